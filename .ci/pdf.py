"""Print the book: `_build/pdf/attention.pdf`, made from the pages of `_build/html`.

The pages become one long page, with chapters, sections, figures, equations and exercises numbered,
without what only a browser can do, and Chromium prints it, twice or more: what stands on which page
is read from the PDF, written into the book, and printed again until nothing moves.
"""

import json
import logging
import re
import shutil
import sys
import unicodedata
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Fit

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "pdf"
CSS = ROOT / "book" / "_ext" / "print.css"
MATHJAX = "_static/mathjax/tex-mml-chtml.js"

NUMBERED = "Chapters"  # the part whose pages are numbered, from 0, as the package's rooms are
APPENDICES = "Back matter"  # its pages are lettered
STUB = 60  # words; a chapter with fewer is not written yet and needs no page of its own
TEXT_WIDTH = 605  # CSS pixels: 160 mm, as in print.css
SMALLEST = 6.0  # points of type, before a line of code is folded instead
BLOCK = r"(?:.+\n?)+\n*"  # of code: what stands between two blank lines, the second of them in it
LONG = 16  # lines; longer code may break between its blocks, and a longer block within
ENLARGED = 1.25  # times as wide as on the screen, where there is room, is a figure that lives there

# What has no place on paper.
DROPPED = (
    "a.headerlink, .viewcode-link, button, script, style, [data-part=check], .exercise details,"
    " .toctree-wrapper, summary .sd-summary-state-marker, .tag_hide-output summary, .binder,"
    " [hidden]"
)

# Code is never cut, nor is anything else: what is too wide is set smaller, and reported if need be.
FIT = """([width, smallest]) => {
  const wide = (e) => e.scrollWidth > Math.ceil(e.clientWidth) + 1;
  for (const e of document.querySelectorAll("pre, table, dt.sig")) {
    let size = parseFloat(getComputedStyle(e).fontSize) * 0.75;
    const box = e.localName === "table" ? e.parentElement : e;
    while (wide(box) && size > smallest) e.style.fontSize = `${(size -= 0.1)}pt`;
    if (wide(box)) e.classList.add("folded");
  }
  const over = [];
  for (const e of document.querySelectorAll("div.math mjx-container")) {
    const wide = () => e.querySelector("mjx-math").getBoundingClientRect().width > e.clientWidth;
    if (wide()) e.parentElement.classList.add("wide");
    for (let scale = 1; wide() && scale > 0.7; scale -= 0.03) e.style.fontSize = `${scale}em`;
    if (wide()) over.push(`formula: ${e.textContent}`);
  }
  for (const e of document.querySelectorAll("article *")) {
    if (e.closest("svg, mjx-assistive-mml") || e.matches("mjx-container *")) continue;
    const right = e.getBoundingClientRect().right + scrollX;
    const what = `${e.localName}.${e.className}: ${e.textContent.slice(0, 60)}`;
    if (right > width + 1.5) over.push(what);
  }
  return over;
}"""

WRITE = """(pages) => {
  for (const e of document.querySelectorAll("[data-page]")) e.textContent = pages[e.dataset.page];
}"""


@dataclass
class Chapter:
    """A page of the book on its way to paper."""

    name: str  # its file, without the ending
    part: str
    number: str
    article: Tag
    entries: list[tuple[str, str, str]] = field(default_factory=list)  # anchor, number, title

    def numbered(self, count: int) -> str:
        return f"{self.number}.{count}" if self.number else str(count)

    @property
    def stub(self) -> bool:
        return self.number.isdigit() and len(self.article.get_text().split()) < STUB


def new(markup: str) -> Tag:
    """The element that some HTML describes."""
    return BeautifulSoup(markup, "html.parser").find(True).extract()


def anchor(file: str, name: str = "") -> str:
    """The name that an anchor of a page has in the whole book."""
    return f"{file.rpartition('/')[2]}--{name or 'top'}"


def block(code: re.Match) -> str:
    """Lines of code that belong on one page, as long as they are few."""
    lines = code[0].splitlines()
    spans = "".join(f'<span class="line">{line}\n</span>' for line in lines)
    return f'<span class="block{" long" * (len(lines) > LONG)}">{spans}</span>'


def page_of(target: str) -> str:
    return f'<span data-page="{escape(target)}">000</span>'


def read() -> list[Chapter]:
    """Every page of the book in its order, its figures' states left out."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = [(toc["root"], "", "")]
    for part in toc["parts"]:
        for i, chapter in enumerate(part["chapters"]):
            number = {NUMBERED: str(i), APPENDICES: chr(ord("A") + i)}.get(part["caption"], "")
            pages.append((chapter["file"], part["caption"], number))
    found = []
    for file, part, number in pages:
        text = (SITE / f"{file}.html").read_text(encoding="utf-8")
        text = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
        article = BeautifulSoup(text, "html.parser").select_one("article")
        found.append(Chapter(file, part, number, article))
    return found


class Press:
    """Turns the built pages into one page to be printed."""

    def __init__(self) -> None:
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        self.title, self.author = config["title"], config["author"]
        self.year = config["copyright"]
        self.home = config.get("html", {}).get("baseurl", "").rstrip("/")
        self.labels: dict[str, str] = {}  # anchor of an equation or exercise -> its number
        self.chapters = read()
        for chapter in self.chapters:
            self.number_exercises(chapter)
            self.lay_open(chapter)
            self.number_figures(chapter)
            self.number_equations(chapter)
            self.number_headings(chapter)
        for chapter in self.chapters:
            self.link(chapter)

    def live(self, chapter: Chapter, name: str, what: str) -> str:
        """Where the built book has what paper has not."""
        place = escape(f"{chapter.name}.html#{name}")
        if self.home:
            address = f"{self.home}/{place}"
            return f'<span class="pointer">{what} <a href="{address}">{address}</a>.</span>'
        return f'<span class="pointer">{what} <code>{place}</code>.</span>'

    def number_exercises(self, chapter: Chapter) -> None:
        for count, box in enumerate(chapter.article.select("div.exercise"), start=1):
            number = f"Exercise {chapter.numbered(count)}"
            caption = box.select_one(".caption-number")
            title = re.sub(r"^\((.*)\)$", r"\1", caption.next_sibling.strip())
            caption.next_sibling.replace_with(f" {title}")
            caption.string = f"{number}."
            self.labels[anchor(chapter.name, box["id"])] = number
            if box.select("details"):
                where = self.live(chapter, box["id"], "Hints, and what checks an answer:")
                box.append(new(f"<p>{where}</p>"))

    def lay_open(self, chapter: Chapter) -> None:
        """Leave out what paper cannot do, unfold what is folded, let code break between blocks."""
        article = chapter.article
        for element in article.select(DROPPED):
            element.decompose()
        for details in article.find_all("details"):
            details.name = "div"
            details["class"] = [*details.get("class", []), "unfolded"]
            if summary := details.find("summary", recursive=False):
                summary.name = "p"
        for element in article.select('[class*="tex2jax_ignore"]'):
            element["class"] = [c for c in element["class"] if not c.endswith("jax_ignore")]
        for code in article.find_all("pre"):
            text = code.decode_contents().strip("\n")
            kind = "short" if text.count("\n") < LONG else "breaks"
            code.replace_with(new(f'<pre class="{kind}">{re.sub(BLOCK, block, text)}</pre>'))

    def number_figures(self, chapter: Chapter) -> None:
        count = 0
        for picture in chapter.article.select(
            "figure.attn-live, figure.attn-drawing, .cell_output img"
        ):
            if picture.name == "img" and picture.find_parent("figure"):
                continue
            count += 1
            place = next((e["id"] for e in picture.parents if e.get("id")), "")
            drawn = picture.find(attrs={"aria-label": True}) or {}
            alt = picture.get("aria-label") or picture.get("alt") or drawn.get("aria-label", "")
            frame = picture if picture.name == "figure" else picture.wrap(new("<figure></figure>"))
            for drawing in frame.select(".attn-fallback > svg[style]"):
                drawing["style"] = re.sub(
                    r"max-width:([\d.]+)px",
                    lambda found: f"max-width:{ENLARGED * float(found[1]):.0f}px",
                    drawing["style"],
                )
            caption = frame.find("figcaption")
            if caption is None:
                text = escape(alt.strip().rstrip("."))
                caption = new(f"<figcaption>{text}.</figcaption>")
                frame.append(caption)
            caption.insert(0, new(f"<b>Figure {chapter.numbered(count)}.</b>"))
            caption.insert(1, " ")
            if "attn-live" in frame.get("class", []):
                moved = "Shown as it stands before it is moved; live in"
                caption.extend([" ", new(self.live(chapter, place, moved))])

    def number_equations(self, chapter: Chapter) -> None:
        if not chapter.number:
            return
        for count, box in enumerate(chapter.article.select("div.math"), start=1):
            number = f"({chapter.numbered(count)})"
            equation = box.select_one(".eqno") or new('<span class="eqno"></span>')
            equation.string = number
            box.insert(0, equation)
            self.labels[anchor(chapter.name, box.get("id", ""))] = number

    def number_headings(self, chapter: Chapter) -> None:
        """Number the chapter and its sections, and note them for the table of contents."""
        first = chapter.article.find("h1")
        if not chapter.part:
            first.string = "Introduction"
        chapter.entries.append((anchor(chapter.name), chapter.number, first.get_text().strip()))
        if chapter.number:
            word = "Appendix" if chapter.part == APPENDICES else "Chapter"
            first.insert(0, new(f'<span class="kicker">{word} {chapter.number} </span>'))
        for i, heading in enumerate(chapter.article.find_all("h2"), start=1):
            heading["id"] = f"section-{i}"
            number = chapter.numbered(i) if chapter.number else ""
            place = anchor(chapter.name, heading["id"])
            chapter.entries.append((place, number, heading.get_text().strip()))
            if number:
                heading.insert(0, new(f'<span class="number">{number} </span>'))

    def link(self, chapter: Chapter) -> None:
        """Give every anchor a name of its own in the whole, and send the links there."""
        article, folder = chapter.article, (SITE / chapter.name).parent
        files = {one.name for one in self.chapters}

        def inside(address: str) -> Path:
            return (folder / unquote(address)).resolve().relative_to(SITE.resolve())

        for element in article.find_all(id=True):
            element["id"] = anchor(chapter.name, element["id"])
        for image in article.find_all("img", src=True):
            if not urlsplit(image["src"]).scheme:
                image["src"] = quote(f"../html/{inside(image['src'])}")
        for link in article.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme:
                continue
            file = inside(parts.path).with_suffix("").as_posix() if parts.path else chapter.name
            if file not in files:
                link.unwrap()
                continue
            target = anchor(file, unquote(parts.fragment))
            link["href"] = f"#{target}"
            number = self.labels.get(target, "")
            if number and re.fullmatch(r"\(\d+\)|Exercise \d+", link.get_text().strip()):
                link.string = number
            elif link.select_one(".std-doc, .std-ref"):
                ahead = str(link.previous_sibling or "").rstrip()
                page = f"p. {page_of(target)}"
                page = f", {page}" if ahead.endswith("(") else f" ({page})"
                link.insert_after(new(f'<span class="on-page">{page}</span>'))

    def book(self) -> str:
        """The whole book as HTML, the numbers of its pages still open."""
        title = json.dumps(self.title, ensure_ascii=False)
        heads = [f"@page stubs:left {{ @top-left {{ content: {title}; }} }}"]
        body, after = [], False
        for i, chapter in enumerate(self.chapters):
            _, number, name = chapter.entries[0]
            kind, page = ("stub", "stubs") if chapter.stub else ("chapter", f"chapter-{i}")
            follows = " follows" if chapter.stub and after else ""
            after = chapter.stub
            if not chapter.stub:
                head = json.dumps(f"{number}  {name}".strip(), ensure_ascii=False)
                heads.append(f"@page {page}:left {{ @top-left {{ content: {title}; }} }}")
                heads.append(f"@page {page}:right {{ @top-right {{ content: {head}; }} }}")
            body.append(
                f'<article class="{kind}{follows}" style="page: {page}"'
                f' id="{anchor(chapter.name)}">{chapter.article.decode_contents()}</article>'
            )
        return (
            '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
            f"<title>{escape(self.title)}</title>"
            '<link rel="stylesheet" href="../html/_static/pygments.css">'
            f'<link rel="stylesheet" href="print.css"><style>{"".join(heads)}</style>'
            '<script>window.MathJax = {options: {processHtmlClass: "math"}}</script>'
            f'<script src="../html/{MATHJAX}"></script></head>'
            f"<body>{self.front()}<main>{''.join(body)}</main></body></html>"
        )

    def front(self) -> str:
        """Title, what a printed copy is, and the table of contents."""
        home = f'<a href="{self.home}">{self.home}</a>'
        where = home if self.home else "its folder, <code>_build/html</code>"
        rows, part = [], ""
        for chapter in self.chapters:
            if chapter.part != part:
                part = chapter.part
                rows.append(f'<p class="part">{escape(part)}</p>')
            for i, (target, number, title) in enumerate(chapter.entries):
                number = f'<span class="number">{number}</span>' if chapter.number else ""
                rows.append(
                    f'<a class="level-{min(i, 1)}" href="#{target}">{number}'
                    f'<span class="entry">{escape(title)}</span><span class="dots"></span>'
                    f"{page_of(target)}</a>"
                )
        return (
            f'<header class="title"><h1>{escape(self.title)}</h1>'
            f"<p>{escape(self.author)}</p><p>{escape(self.year)}</p></header>"
            '<section class="colophon"><p>This is the printed form of a book that is alive in a '
            f"browser, in {where}. There the figures move, the code runs in the page and can be "
            "changed, and the exercises have hints and check what you write. Here each figure "
            "stands as it does before it is moved, with the place of the live one in its caption; "
            "hints and checks are left out, and solutions are in neither.</p><p>The text may be "
            "copied and adapted under CC BY 4.0, the code under the BSD licence.</p></section>"
            f'<nav class="contents"><h1>Contents</h1>{"".join(rows)}</nav>'
        )


def places(path: Path) -> dict[str, tuple[int, float]]:
    """Anchor -> its page, from 1, and its height above the page's foot in points."""
    reader = PdfReader(path)
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(reader.pages, start=1)}
    return {
        unquote(name.lstrip("/")): (numbers[place.page.idnum], float(place.top or 0))
        for name, place in reader.named_destinations.items()
        if getattr(place.page, "idnum", None) in numbers
    }


def letters(text: str) -> set[str]:
    return set(filter(str.isalpha, unicodedata.normalize("NFKC", text)))


def finish(press: Press, raw: Path, final: Path) -> None:
    """Add bookmarks and who wrote it; say which letters are lost."""
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of its own object count
    writer = PdfWriter(clone_from=raw)
    writer.pdf_header = PdfReader(raw).pdf_header
    writer.add_metadata({"/Author": press.author, "/Creator": "make pdf"})
    where, parts = places(raw), {"": None}
    for chapter in press.chapters:
        if chapter.part not in parts:
            page, _ = where[chapter.entries[0][0]]
            parts[chapter.part] = writer.add_outline_item(title=chapter.part, page_number=page - 1)
        above = parts[chapter.part]
        for i, (target, number, title) in enumerate(chapter.entries):
            page, top = where[target]
            mark = writer.add_outline_item(
                title=f"{number}  {title}".strip(),
                page_number=page - 1,
                parent=above,
                fit=Fit.xyz(left=0, top=top),
                is_open=False,
            )
            above = mark if i == 0 else above
    writer.page_mode = "/UseOutlines"
    writer.write(final)
    printed = letters("".join(page.extract_text() for page in writer.pages))
    wanted = letters("".join(chapter.article.get_text() for chapter in press.chapters))
    if lost := wanted - printed:
        print("No font has these letters:", *sorted(lost), file=sys.stderr)
        print("On Debian and Ubuntu: apt-get install fonts-droid-fallback", file=sys.stderr)


def build() -> int:
    """Print until the numbers hold; the exit code."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    for there, said in (
        (chromium, "Chromium is needed to print; on Debian and Ubuntu: apt-get install chromium"),
        ((SITE / "index.html").exists(), "There is no book in _build/html: make book"),
        ((SITE / MATHJAX).exists(), "MathJax could not be fetched, and formulas need it"),
    ):
        if not there:
            print(said, file=sys.stderr)
            return 1
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CSS, OUT / "print.css")
    press, raw, final = Press(), OUT / "raw.pdf", OUT / "attention.pdf"
    (OUT / "book.html").write_text(press.book(), encoding="utf-8")
    flags = [
        "--no-sandbox",
        "--allow-file-access-from-files",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": TEXT_WIDTH, "height": 900})
        page.set_default_timeout(180_000)
        page.emulate_media(media="print")
        page.goto((OUT / "book.html").as_uri(), wait_until="load")
        page.evaluate("MathJax.startup.promise.then(() => document.fonts.ready).then(() => true)")
        wrong = [
            f"rejected formula: {e.text_content()}" for e in page.query_selector_all("mjx-merror")
        ]
        wrong += [f"too wide: {one}" for one in page.evaluate(FIT, [TEXT_WIDTH, SMALLEST])]
        found: dict[str, int] = {}
        for _ in range(5):
            before = found
            page.pdf(path=raw, prefer_css_page_size=True, print_background=True, tagged=True)
            found = {name: number for name, (number, _) in places(raw).items()}
            if found == before:
                break
            page.evaluate(WRITE, found)
        else:
            wrong.append("the page numbers do not settle")
        browser.close()
    if wrong:
        print("The book cannot be printed:", *wrong[:40], sep="\n", file=sys.stderr)
        return 1
    finish(press, raw, final)
    raw.unlink()
    print(f"{len(PdfReader(final).pages)} pages: {final}")
    return 0


if __name__ == "__main__":
    sys.exit(build())
