"""The printed book, read back from its PDF.

make pdf && .venv/bin/python -m pytest tests/test_pdf.py --site _build/html
"""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from exercise_secrets import leaks

from attn_course.exercises import load, names

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parents[1]
MILLIMETRE = 72 / 25.4
TEXT_WIDTH = 160 * MILLIMETRE  # as in book/_ext/print.css
MARGINS = {0: 23 * MILLIMETRE, 1: 27 * MILLIMETRE}  # left of the text, on even and odd pages
ADVANCE = 0.61  # of a letter of a monospaced font, at the most, in its size
WHOLE = 110  # letters; a longer line of code may be folded


def plain(text):
    """Text without ligatures, soft hyphens and blanks."""
    return re.sub(r"\s|\u00ad", "", unicodedata.normalize("NFKC", text))


@pytest.fixture(scope="module")
def site(request):
    return Path(request.config.getoption("site")).resolve()


@pytest.fixture(scope="module")
def pdf(site):
    reader = pytest.importorskip("pypdf").PdfReader
    path = site.parent / "pdf" / "attention.pdf"
    assert path.exists(), f"no {path}: run make pdf"
    return reader(path)


@pytest.fixture(scope="module")
def texts(pdf):
    """The text of each page."""
    return [page.extract_text() for page in pdf.pages]


@pytest.fixture(scope="module")
def articles(site):
    """Every page of the book, by file, in the book's order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"]]
    files += [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    read = {}
    for file in files:
        text = (site / f"{file}.html").read_text(encoding="utf-8")
        text = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
        article = BeautifulSoup(text, "html.parser").select_one("article")
        for link in article.select("a.headerlink"):
            link.decompose()
        read[file] = article
    return read


@pytest.fixture(scope="module")
def chapters():
    """The files of the numbered chapters, from 0."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    (part,) = (part for part in toc["parts"] if part["caption"] == "Chapters")
    return [chapter["file"] for chapter in part["chapters"]]


@pytest.fixture(scope="module")
def titles(articles):
    """The titles of chapters and of their sections, in the book's order."""
    found = []
    for number, article in enumerate(articles.values()):
        first = article.h1.get_text().strip() if number else "Introduction"
        found.append((first, [h.get_text().strip() for h in article.find_all("h2")]))
    return found


def unnumbered(title):
    return re.sub(r"^([A-Z]|\d+)(\.\d+\s{1,2}|\s{2})", "", title)


def outline(pdf):
    """(depth, title, page from 1) of every bookmark."""

    def walk(entries, depth):
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry, depth + 1)
            else:
                yield depth, entry.title, pdf.get_destination_page_number(entry) + 1

    return list(walk(pdf.outline, 0))


def test_it_is_a_book_with_a_title_a_language_and_tags(pdf, texts):
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert 60 < len(pdf.pages) < 700
    assert pdf.metadata.title == config["title"]
    assert pdf.metadata.author == config["author"]
    assert "Mozilla" not in pdf.metadata.creator
    assert pdf.pdf_header >= "%PDF-1.4"  # tags and transparency are younger than 1.3
    root = pdf.trailer["/Root"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root
    assert plain(config["title"]) in plain(texts[0])


def test_every_page_is_a4_and_bears_its_number(pdf, texts):
    for number, (page, text) in enumerate(zip(pdf.pages, texts, strict=True), start=1):
        width, height = (float(x) / MILLIMETRE for x in (page.mediabox.width, page.mediabox.height))
        assert (round(width), round(height)) == (210, 297)
        assert len(plain(text)) > 60, f"page {number} is as good as empty"
        if number > 2:  # title and colophon
            assert str(number) in [line.strip() for line in text.splitlines()], number


def test_every_chapter_and_section_is_a_bookmark_on_its_page(pdf, texts, titles):
    marks = outline(pdf)
    expected = [title for first, sections in titles for title in (first, *sections)]
    parts = {part["caption"] for part in yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]}
    found = [(unnumbered(title), page) for _, title, page in marks if title not in parts]
    assert [title for title, _ in found] == expected
    for title, page in found:
        assert plain(title) in plain(texts[page - 1]), f"{title!r} is not on page {page}"


def test_the_table_of_contents_says_the_right_pages(pdf, texts, titles):
    parts = {part["caption"] for part in yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]}
    marks = [(title, page) for _, title, page in outline(pdf) if title not in parts]
    (start,) = (i for i, text in enumerate(texts) if re.search(r"^Contents$", text, re.MULTILINE))
    table = plain("".join(texts[start : marks[0][1] - 1]))
    at = 0
    for title, page in marks:
        entry = plain(f"{title}{page}")
        where = table.find(entry, at)
        assert where >= 0, f"{title!r}, page {page}, is not in the table of contents in its place"
        at = where + len(entry)
    assert "000" not in table


def test_a_number_of_a_page_in_the_text_is_that_of_a_link_beside_it(pdf, texts):
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(pdf.pages, start=1)}
    seen = 0
    for number, (page, text) in enumerate(zip(pdf.pages, texts, strict=True), start=1):
        links = [one.get_object() for one in page.get("/Annots", ())]
        places = [pdf.named_destinations[one["/Dest"]] for one in links if "/Dest" in one]
        near = {numbers[place.page.idnum] for place in places}
        said = {int(n) for n in re.findall(r"\bp\.\s+(\d+)(?=[,;)])", text)}
        assert said <= near, f"page {number}"
        seen += len(said)
    assert seen > 30


def test_no_link_is_lost(site):
    text = (site.parent / "pdf" / "book.html").read_text(encoding="utf-8")
    book = BeautifulSoup(text, "html.parser")
    anchors = {element["id"] for element in book.find_all(id=True)}
    links = [link["href"] for link in book.find_all("a", href=True)]
    assert len(links) > 100
    assert not [link for link in links if link.startswith("#") and link[1:] not in anchors]
    assert not [link for link in links if not link.startswith(("#", "https://", "http://"))]


def test_every_letter_is_printed(texts, articles):
    def letters(parts):
        return set(filter(str.isalpha, unicodedata.normalize("NFKC", "".join(parts))))

    said = letters(article.get_text() for article in articles.values())
    assert len(said) > 60
    assert said <= letters(texts), "no font has " + " ".join(sorted(said - letters(texts)))


def test_no_heading_is_the_last_line_of_its_page(texts, articles):
    headings = {
        plain(heading.get_text())
        for article in articles.values()
        for heading in article.select("h1, h2, h3, .rubric, .admonition-title")
    }
    assert len(headings) > 50
    lines = [[line for line in text.splitlines() if not line.strip().isdigit()] for text in texts]
    last = {n: unnumbered(found[-1].strip()) for n, found in enumerate(lines, start=1)}
    assert not {n: line for n, line in last.items() if plain(line) in headings}


def test_the_longest_lines_of_code_stand_whole(texts, articles):
    lines = set()
    for article in articles.values():
        for element in article.select("[data-part=check], .exercise details"):
            element.decompose()
        for block in article.find_all("pre"):
            lines |= {line.strip() for line in block.get_text().splitlines()}
    longest = sorted((line for line in lines if len(line) <= WHOLE), key=len)[-150:]
    assert len(longest[0]) > 60
    printed = {plain(line) for text in texts for line in text.splitlines()}
    missing = [line for line in longest if not any(plain(line) in one for one in printed)]
    assert not missing, "\n".join(missing)


def test_no_code_runs_into_the_margin(pdf):
    seen = 0
    for number, page in enumerate(pdf.pages, start=1):
        left = MARGINS[number % 2]
        over = []

        def visit(text, cm, tm, font, size, left=left, over=over):
            nonlocal seen
            if not text.strip() or not font or "Mono" not in str(font.get("/BaseFont")):
                return
            seen += 1
            start = cm[4] + cm[0] * tm[4]
            end = start + cm[0] * tm[0] * ADVANCE * size * len(text.rstrip())
            if start < left - 1 or end > left + TEXT_WIDTH + 1:
                over.append(text)

        page.extract_text(visitor_text=visit)
        assert not over, f"page {number}: {over}"
    assert seen > 1000


PICTURES = "figure.attn-live, figure.attn-drawing, .cell_output > img"


def test_figures_equations_and_exercises_are_numbered_without_gap(texts, articles, chapters):
    whole = "\n".join(texts)
    seen = [0, 0, 0]
    for number, file in enumerate(chapters):
        for i, (mark, what) in enumerate(
            (
                ("Figure N.", PICTURES),
                ("(N)", "div.math"),
                ("Exercise N. ", "div.exercise"),
            )
        ):
            form = re.escape(mark).replace("N", rf"{number}\.(\d+)")
            if mark == "(N)":  # no reference at the beginning of a line, but the equation's own
                form += r"(?![ .,;:?!)])"
            found = [int(n) for n in re.findall(rf"^{form}", whole, re.MULTILINE)]
            assert found == list(range(1, len(articles[file].select(what)) + 1)), (file, mark)
            seen[i] += len(found)
    assert min(seen) > 5


def test_a_figure_stands_on_the_page_of_its_caption(pdf, texts, articles, chapters):
    content = pytest.importorskip("pypdf.generic").ContentStream
    with_image = {
        f"{number}.{i}": picture.name == "img" or picture.select_one("img, image") is not None
        for number, file in enumerate(chapters)
        for i, picture in enumerate(articles[file].select(PICTURES), start=1)
    }
    seen = 0
    for number, (page, text) in enumerate(zip(pdf.pages, texts, strict=True), start=1):
        captions = re.findall(r"^Figure (\d+\.\d+)\.", text, re.MULTILINE)
        seen += len(captions)
        n_image = sum(with_image[caption] for caption in captions)
        done = Counter(operator for _, operator in content(page.get_contents(), pdf).operations)
        assert done[b"Do"] >= n_image, f"page {number}"
        # A figure without an image has lines drawn with a pen; what else stands there is filled.
        assert len(captions) == n_image or done[b"S"], f"page {number}"
    assert seen > 5


def test_each_live_figure_says_where_it_lives(texts, articles):
    whole = plain("".join(texts))
    for file, article in articles.items():
        live = len(article.select("figure.attn-live"))
        pointers = re.findall(rf"beforeitismoved;livein\S*?{re.escape(file)}\.html#", whole)
        assert len(pointers) >= live, file


def test_neither_solutions_nor_hints_nor_checks_are_printed(texts):
    whole = "\n".join(unicodedata.normalize("NFKC", text) for text in texts)
    found = []
    for name in names():
        exercise = load(name)
        found += [f"{name}: {one}" for one in leaks(exercise, whole)]
        assert plain(exercise.title) in plain(whole)
        for hint in exercise.hints:
            sentence = max(re.split(r"[`$*\[\]\n{}]", hint), key=len)
            if len(sentence) > 40 and plain(sentence) in plain(whole):
                found.append(f"{name}: hint {sentence}")
        for (
            check
        ) in exercise.checks():  # what the check says on the page before anything is written
            if not check.hidden and plain(check.message) in plain(whole):
                found.append(f"{name}: {check.message}")
    assert not found, "\n".join(found)
