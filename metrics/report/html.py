"""The common parts of the pages: style, tables and pictures in a single HTML file."""

import base64
import dataclasses
import html
import pathlib
from collections.abc import Iterable, Sequence

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 0 auto;
       max-width: 72rem; padding: 1rem 2rem 4rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .5rem; border-bottom: 1px solid #e4e4e4; }
td { white-space: nowrap; }
th { border-bottom: 1px solid #888; font-weight: 600; vertical-align: bottom;
     max-width: 10rem; overflow-wrap: break-word; }
th:first-child, td:first-child { text-align: left; }
td:first-child { white-space: normal; min-width: 14rem; }
td.strong { font-weight: 700; }
tr.new td { color: #0072b2; }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1.2rem; }
dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
.notes { border-left: 4px solid #d55e00; background: #fdf3ec; margin: 1rem 0;
         padding: .5rem 1rem; }
.notes ul { margin: .2rem 0; padding-left: 1.2rem; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; }
label { cursor: zoom-in; } label input { display: none; }
input:checked + img { position: fixed; inset: 0; z-index: 1; margin: auto;
                      width: 100vw; height: 100vh; max-width: none; background: #fff;
                      object-fit: contain; cursor: zoom-out; }
figcaption { color: #444; max-width: 48rem; }
summary { cursor: pointer; margin: 1rem 0; }
@media screen and (max-width: 40rem) {
  body { padding: .5rem .8rem 2rem; }
  ul { padding-left: 1.2rem; } dl { gap: 0 .6rem; }
  table { font-size: .75rem; line-height: 1.3; }
  th, td { padding: .15rem .25rem; } td { white-space: normal; }
  td:first-child { min-width: 7rem; overflow-wrap: anywhere; }
}
@page { size: A4; margin: 14mm 13mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  .wide { overflow-x: visible; }
  table { font-size: 8pt; }
  th, td { padding: .05rem .3rem; } th { max-width: 5rem; }
  td:first-child { min-width: 8rem; }
  thead { display: table-header-group; }
  figure, tr, li { break-inside: avoid; } h1, h2 { break-after: avoid; }
  figure { margin: 1rem 0; } figure img { max-height: 22cm; }
  .notes { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  summary { list-style: none; }
}
"""


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A line of a table.

    Attributes:
        cells: Texts.
        strong: Numbers of the cells that stand out.
        new: Whether the whole line stands out: the model was not trained for it.
    """

    cells: Sequence[str]
    strong: frozenset[int] = frozenset()
    new: bool = False


def document(title: str, body: Iterable[str]) -> str:
    """Writes a page that needs nothing else.

    Args:
        title: Its title, which also heads it.
        body: Pieces of HTML.

    Returns:
        A complete HTML document.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{text(title)}</h1>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def text(value: object) -> str:
    """Writes a value so that HTML shows it as it is."""
    return html.escape(str(value))


def bullets(lines: Iterable[str]) -> str:
    """Writes a list of sentences."""
    return "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>"


def facts(found: Iterable[tuple[str, object]]) -> str:
    """Writes names and what they stand for."""
    rows = "".join(
        f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in found
    )
    return f"<dl>{rows}</dl>"


def notes(lines: Sequence[str]) -> str:
    """Writes warnings into a box; nothing if there are none."""
    return f'<aside class="notes">{bullets(lines)}</aside>' if lines else ""


def table(head: Sequence[str], rows: Iterable[TableRow]) -> str:
    """Writes a table whose head is repeated on every printed page."""
    cells = "".join(f"<th>{text(name)}</th>" for name in head)
    body = "\n".join(map(_line, rows))
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def _line(row: TableRow) -> str:
    cells = (
        f'<td class="strong">{text(cell)}</td>'
        if number in row.strong
        else f"<td>{text(cell)}</td>"
        for number, cell in enumerate(row.cells)
    )
    start = '<tr class="new">' if row.new else "<tr>"
    return start + "".join(cells) + "</tr>"


def picture(path: pathlib.Path, caption: str) -> str:
    """Puts a PNG file into the page, with the sentence that explains it.

    A click shows it as large as the window, another one makes it small again.
    """
    content = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure id="{text(path.stem)}"><label><input type="checkbox"><img '
        f'alt="{text(caption)}" src="data:image/png;base64,{content}"></label>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )
