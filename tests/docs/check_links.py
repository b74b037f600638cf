#!/usr/bin/env python3
"""Every relative link of every page leads to a file, and to a heading in it if it names one.

usage: check_links.py ROOT
"""
import re
import sys
from pathlib import Path

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.M)


def anchor(heading):
    """The anchor that a forge makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page):
    return {anchor(heading) for heading in HEADING.findall(page.read_text(encoding="utf-8"))}


def check_page(page):
    """Complaints about one page."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists():
            yield f"{page}: no file {target}"
        elif fragment and fragment not in anchors(file):
            yield f"{page}: no heading {target}"


def main(root):
    pages = sorted(Path(root).glob("*.md")) + [Path(root) / "results/README.md"]
    pages += sorted(Path(root).glob("docs/**/*.md"))
    complaints = [complaint for page in pages if page.exists() for complaint in check_page(page)]
    print("\n".join(complaints + [f"{len(complaints)} broken links in {len(pages)} pages"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
