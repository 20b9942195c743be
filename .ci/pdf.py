"""Print the book: `_build/pdf/attention.pdf`, made from the pages of `_build/html`.

The pages become one long page, with chapters, sections, figures, equations and exercises numbered,
without what only a browser can do, and Chromium prints it, twice or more: what stands on which page
is read from the PDF, written into the table of contents, and printed again until nothing moves.
"""

import html
import json
import logging
import re
import shutil
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import yaml
from bs4 import BeautifulSoup
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

# What has no place on paper.
DROPPED = (
    "a.headerlink, .viewcode-link, button, script, style, [data-part=check], .exercise details,"
    " .toctree-wrapper, summary .sd-summary-state-marker, .tag_hide-output summary,"
    " .attn-fallback script, .binder, [hidden]"
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
  for (const e of document.querySelectorAll("div.math")) {
    const inner = e.querySelector("mjx-container");
    for (let scale = 1; wide(e) && scale > 0.6; scale -= 0.03) inner.style.fontSize = `${scale}em`;
  }
  for (const e of document.querySelectorAll("pre")) {
    if (e.textContent.split("\\n").length > 16) e.classList.add("long");
  }
  const over = [];
  for (const e of document.querySelectorAll("article *")) {
    if (e.closest("svg, mjx-assistive-mml") || e.matches("mjx-container *")) continue;
    const right = e.getBoundingClientRect().right + scrollX;
    const what = `${e.localName}.${e.className}: ${e.textContent.slice(0, 60)}`;
    if (right > width + 1.5) over.push(what);
  }
  return over;
}"""


@dataclass
class Heading:
    """An entry of the table of contents."""

    id: str
    number: str
    title: str
    level: int  # 0 a chapter, 1 a section
    page: int = 0


@dataclass
class Chapter:
    """A page of the book on its way to paper."""

    name: str  # its file, without the ending
    part: str
    number: str
    article: BeautifulSoup
    headings: list[Heading] = field(default_factory=list)

    @property
    def stub(self) -> bool:
        return self.number.isdigit() and len(self.article.get_text().split()) < STUB


def contents() -> list[tuple[str, str, str]]:
    """(file, part, number) of every page, in the book's order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [(toc["root"], "", "")]
    for part in toc["parts"]:
        for i, chapter in enumerate(part["chapters"]):
            number = {NUMBERED: str(i), APPENDICES: chr(ord("A") + i)}.get(part["caption"], "")
            found.append((chapter["file"], part["caption"], number))
    return found


def read(file: str, part: str, number: str) -> Chapter:
    """A built page's article, its figures' states left out."""
    text = (SITE / f"{file}.html").read_text(encoding="utf-8")
    text = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    article = BeautifulSoup(text, "html.parser").select_one("article")
    return Chapter(file, part, number, article)


def slug(file: str, anchor: str = "") -> str:
    """The name that an anchor of a page has in the whole book."""
    return f"{file.rpartition('/')[2]}--{anchor or 'top'}"


def new(markup: str):
    """The element that some HTML describes."""
    return next(iter(BeautifulSoup(markup, "html.parser").children)).extract()


class Press:
    """Turns the built pages into one page to be printed."""

    def __init__(self) -> None:
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        self.title, self.author = config["title"], config["author"]
        self.year = config["copyright"]
        self.home = config.get("html", {}).get("baseurl", "").rstrip("/")
        self.chapters = [read(*page) for page in contents()]
        self.files = {chapter.name for chapter in self.chapters}
        self.labels: dict[str, str] = {}  # id of an equation, exercise or figure -> its number
        for chapter in self.chapters:
            self.prepare(chapter)
        for chapter in self.chapters:
            self.link(chapter)

    @property
    def headings(self) -> list[Heading]:
        return [heading for chapter in self.chapters for heading in chapter.headings]

    def live(self, chapter: Chapter, anchor: str, what: str) -> str:
        """Where the built book has what paper has not."""
        place = f"{chapter.name}.html#{anchor}"
        if self.home:
            address = html.escape(f"{self.home}/{quote(place, safe='/#')}")
            return f'<span class="pointer">{what} <a href="{address}">{address}</a>.</span>'
        return f'<span class="pointer">{what} <code>{html.escape(place)}</code>.</span>'

    def prepare(self, chapter: Chapter) -> None:
        """Leave out, unfold, number."""
        article = chapter.article
        hinted = {box["id"] for box in article.select("div.exercise") if box.select("details")}
        for element in article.select(DROPPED):
            element.decompose()
        for details in article.find_all("details"):  # what was folded is open on paper
            details.name = "div"
            details["class"] = [*details.get("class", []), "unfolded"]
            if summary := details.find("summary", recursive=False):
                summary.name = "p"
        for element in article.select('[class*="tex2jax_ignore"]'):
            element["class"] = [c for c in element["class"] if not c.endswith("jax_ignore")]
        self.number_figures(chapter)
        self.number_equations(chapter)
        self.number_exercises(chapter, hinted)
        self.number_headings(chapter)

    def number_headings(self, chapter: Chapter) -> None:
        article = chapter.article
        first = article.find("h1")
        if not chapter.part:
            first.string = "Introduction"
        number = chapter.number
        chapter.headings.append(Heading(slug(chapter.name), number, first.get_text().strip(), 0))
        first["id"] = slug(chapter.name)[: -len("--top")] + "--title"
        if number:
            word = "Appendix" if chapter.part == APPENDICES else "Chapter"
            first.insert(0, new(f'<span class="kicker">{word} {number}</span>'))
        for i, heading in enumerate(article.find_all("h2"), start=1):
            own = f"{number}.{i}" if number else ""
            name = f"section-{i}"
            section = Heading(slug(chapter.name, name), own, heading.get_text().strip(), 1)
            chapter.headings.append(section)
            heading["id"] = name
            if own:
                heading.insert(0, new(f'<span class="number">{own}</span>'))

    def number_figures(self, chapter: Chapter) -> None:
        article, count = chapter.article, 0
        for picture in article.select("figure.attn-live, figure.attn-drawing, .cell_output img"):
            if picture.name == "img" and picture.find_parent("figure"):
                continue
            count += 1
            number = f"{chapter.number}.{count}" if chapter.number else str(count)
            alt = picture.get("aria-label") or picture.get("alt") or ""
            if not alt and (drawn := picture.find(attrs={"aria-label": True})):
                alt = drawn["aria-label"]
            frame = picture if picture.name == "figure" else picture.wrap(new("<figure></figure>"))
            frame.attrs.pop("style", None)
            anchor = next((e["id"] for e in picture.parents if e.get("id")), "")
            frame["id"] = f"figure-{count}"
            frame["class"] = [*frame.get("class", []), "numbered"]
            text = alt.strip().rstrip(".") + "."
            caption = frame.find("figcaption")
            if caption is None:
                caption = new(f"<figcaption>{html.escape(text)}</figcaption>")
                frame.append(caption)
            caption.insert(0, new(f'<b class="label">Figure {number}.</b>'))
            caption.b.insert_after(" ")
            if "attn-live" in frame["class"]:
                caption.append(" ")
                moved = "Shown as it stands before it is moved; live in"
                caption.append(new(self.live(chapter, anchor, moved)))
            self.labels[slug(chapter.name, frame["id"])] = number

    def number_equations(self, chapter: Chapter) -> None:
        for count, equation in enumerate(chapter.article.select(".math .eqno"), start=1):
            number = f"{chapter.number}.{count}" if chapter.number else str(count)
            equation.string = f"({number})"
            box = equation.find_parent(class_="math")
            self.labels[slug(chapter.name, box.get("id", ""))] = f"({number})"

    def number_exercises(self, chapter: Chapter, hinted: set[str]) -> None:
        for count, box in enumerate(chapter.article.select("div.exercise"), start=1):
            number = f"Exercise {chapter.number}.{count}"
            caption = box.select_one(".caption-number")
            title = re.sub(r"^\((.*)\)$", r"\1", caption.next_sibling.strip())
            caption.next_sibling.replace_with(f" {title}")
            caption.string = f"{number}."
            self.labels[slug(chapter.name, box["id"])] = number
            if box["id"] in hinted:
                where = self.live(chapter, box["id"], "Hints, and what checks an answer:")
                box.append(new(f"<p>{where}</p>"))

    def link(self, chapter: Chapter) -> None:
        """Give every anchor a name of its own in the whole, and send the links there."""
        article = chapter.article
        for element in article.find_all(id=True):
            if not element["id"].startswith(slug(chapter.name)[: -len("top")]):
                element["id"] = slug(chapter.name, element["id"])
        for element in article.find_all(src=True):
            folder = (SITE / chapter.name).parent
            target = (folder / unquote(element["src"])).resolve()
            if target.exists() and not element["src"].startswith("data:"):
                element["src"] = quote(f"../html/{target.relative_to(SITE.resolve())}")
        for link in article.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme:
                continue
            path = (SITE / chapter.name).parent / unquote(parts.path) if parts.path else None
            file = chapter.name
            if path is not None:
                inside = path.resolve().relative_to(SITE.resolve())
                file = inside.with_suffix("").as_posix()
            if file not in self.files:
                link.unwrap()
                continue
            target = slug(file, unquote(parts.fragment))
            link["href"] = f"#{target}"
            number = self.labels.get(target, "")
            if number and re.fullmatch(r"\(\d+\)|Exercise \d+", link.get_text().strip()):
                link.string = number
            elif link.select_one(".std-doc, .std-ref"):
                ahead = str(link.previous_sibling or "")
                form = ", p. {}" if ahead.rstrip().endswith("(") else " (p. {})"
                before, after = form.split("{}")
                link.insert_after(
                    new(
                        f'<span class="on-page">{before}'
                        f'<span data-page-of="{target}">000</span>{after}</span>'
                    )
                )

    def page(self, pages: dict[str, int]) -> str:
        """The whole book as HTML; `pages` says where the anchors are, as far as that is known."""
        body, stubs = [], False
        for chapter in self.chapters:
            kind = "stub" if chapter.stub else "chapter"
            follows = " follows" if chapter.stub and stubs else ""
            stubs = chapter.stub
            name = slug(chapter.name)[: -len("--top")]
            style = "stubs" if chapter.stub else f"at-{name}".replace("_", "-")
            body.append(
                f'<article class="{kind}{follows}" id="{slug(chapter.name)}" style="page: {style}">'
                f"{chapter.article.decode_contents()}</article>"
            )
        text = "\n".join(body)
        text = re.sub(
            r'(<span data-page-of="([^"]*)">)000',
            lambda found: found[1] + str(pages.get(html.unescape(found[2]), "000")),
            text,
        )
        front = (
            f'<header class="title"><h1>{html.escape(self.title)}</h1>'
            f"<p>{html.escape(self.author)}</p><p>{html.escape(self.year)}</p></header>"
            f"{self.colophon()}{self.table(pages)}"
        )
        config = {"options": {"processHtmlClass": "math"}, "svg": {"fontCache": "global"}}
        return (
            '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
            f"<title>{html.escape(self.title)}</title>"
            '<link rel="stylesheet" href="../html/_static/pygments.css">'
            f'<link rel="stylesheet" href="print.css"><style>{self.heads()}</style>'
            f"<script>window.MathJax = {json.dumps(config)}</script>"
            f'<script src="../html/{MATHJAX}"></script></head>'
            f"<body>{front}<main>{text}</main></body></html>"
        )

    def colophon(self) -> str:
        where = (
            f'<a href="{self.home}">{self.home}</a>' if self.home else "its folder, `_build/html`"
        )
        where = re.sub("`(.*)`", r"<code>\1</code>", where)
        return (
            '<section class="colophon"><p>This is the printed form of a book that is alive in a '
            f"browser, in {where}. There the figures move, the code runs in the page and can be "
            "changed, and the exercises have hints and check what you write. Here each figure "
            "stands as it does before it is moved, with the place of the live one in its caption; "
            "hints and checks are left out, and solutions are in neither.</p></section>"
        )

    def table(self, pages: dict[str, int]) -> str:
        """The table of contents."""
        rows, part = [], ""
        for chapter in self.chapters:
            if chapter.part != part:
                part = chapter.part
                rows.append(f'<p class="part">{html.escape(part)}</p>')
            for entry in chapter.headings:
                number = f'<span class="number">{entry.number}</span>' if chapter.number else ""
                rows.append(
                    f'<a class="level-{entry.level}" href="#{entry.id}">{number}'
                    f'<span class="entry">{html.escape(entry.title)}</span>'
                    '<span class="dots"></span>'
                    f'<span class="page">{pages.get(entry.id, "000")}</span></a>'
                )
        return f'<nav class="contents"><h1>Contents</h1>{"".join(rows)}</nav>'

    def heads(self) -> str:
        """Running heads: the book's title on the left page, the chapter's on the right."""
        rules = []
        for chapter in self.chapters:
            if not chapter.stub:
                name = f"at-{slug(chapter.name)[: -len('--top')]}".replace("_", "-")
                entry = chapter.headings[0]
                title = json.dumps(f"{entry.number}  {entry.title}".strip(), ensure_ascii=False)
                rules.append(f"@page {name}:right {{ @top-right {{ content: {title}; }} }}")
        title = json.dumps(self.title, ensure_ascii=False)
        for name in [f"at-{slug(c.name)[:-5]}".replace("_", "-") for c in self.chapters]:
            rules.append(f"@page {name}:left {{ @top-left {{ content: {title}; }} }}")
        return "\n".join(rules)


def places(path: Path) -> dict[str, tuple[int, float]]:
    """Anchor -> its page, from 1, and its height above the page's foot in points."""
    reader = PdfReader(path)
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(reader.pages, start=1)}
    found = {}
    for name, place in reader.named_destinations.items():
        number = numbers.get(getattr(place.page, "idnum", None))
        if number:
            found[unquote(name.lstrip("/"))] = number, float(place.top or 0)
    return found


def finish(press: Press, raw: Path, final: Path) -> None:
    """Bookmarks, and who wrote it."""
    where = places(raw)
    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of its own object count
    writer = PdfWriter(clone_from=raw)
    parts, parent, above = {}, None, None
    for chapter in press.chapters:
        for entry in chapter.headings:
            page, top = where[entry.id]
            place = {"page_number": page - 1, "fit": Fit.xyz(left=0, top=top)}
            mark = partial(writer.add_outline_item, **place)
            title = f"{entry.number}  {entry.title}".strip()
            if entry.level == 0:
                if chapter.part and chapter.part not in parts:
                    parts[chapter.part] = mark(title=chapter.part)
                above = parts.get(chapter.part)
                parent = mark(title=title, parent=above)
            else:
                mark(title=title, parent=parent)
    writer.add_metadata({"/Title": press.title, "/Author": press.author})
    writer.page_mode = "/UseOutlines"
    writer.write(final)


def chromium() -> str | None:
    """Where Chromium is, by any of its names."""
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


def build() -> int:
    """Print until the numbers hold; the exit code."""
    from playwright.sync_api import sync_playwright

    for there, said in (
        (chromium(), "Chromium is needed to print; on Debian and Ubuntu: apt-get install chromium"),
        ((SITE / "index.html").exists(), "There is no book in _build/html: make book"),
        ((SITE / MATHJAX).exists(), "MathJax could not be fetched, and formulas need it"),
    ):
        if not there:
            print(said, file=sys.stderr)
            return 1
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CSS, OUT / "print.css")
    press, page_of, raw = Press(), {}, OUT / "raw.pdf"
    with sync_playwright() as driver:
        flags = [
            "--no-sandbox",
            "--allow-file-access-from-files",
            "--host-resolver-rules=MAP * ~NOTFOUND",
        ]
        browser = driver.chromium.launch(executable_path=chromium(), args=flags)
        for _ in range(5):
            (OUT / "book.html").write_text(press.page(page_of), encoding="utf-8")
            page = browser.new_page(viewport={"width": TEXT_WIDTH, "height": 900})
            page.set_default_timeout(180_000)
            page.emulate_media(media="print")
            page.goto((OUT / "book.html").as_uri(), wait_until="load")
            page.evaluate(
                "MathJax.startup.promise.then(() => document.fonts.ready).then(() => true)"
            )
            wrong = [
                f"rejected formula: {e.text_content()}"
                for e in page.query_selector_all("mjx-merror")
            ]
            wrong += [f"too wide: {one}" for one in page.evaluate(FIT, [TEXT_WIDTH, SMALLEST])]
            page.pdf(path=raw, prefer_css_page_size=True, print_background=True, tagged=True)
            page.close()
            found = {name: number for name, (number, _) in places(raw).items()}
            if found == page_of or wrong:
                break
            page_of = found
        else:
            wrong.append("the page numbers do not settle")
        browser.close()
    if wrong:
        print("The book cannot be printed:", *wrong[:40], sep="\n", file=sys.stderr)
        return 1
    final = OUT / "attention.pdf"
    finish(press, raw, final)
    raw.unlink()
    print(f"{len(PdfReader(final).pages)} pages: {final}")
    return 0


if __name__ == "__main__":
    sys.exit(build())
