#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a mixed corpus from what a Debian machine has installed, for comparing tokenizers.

    tokenizer_corpus.py OUT [MEGABYTES]

English (documentation, manual pages), code (headers, Python, Perl), CJK and other languages (the
message catalogues of the installed programs), and generated mixes of all of these with random
Unicode, long pieces and odd white space. Documents are separated by the byte 0xFF, which UTF-8 never
has. The same machine gives the same file; no text leaves it.
"""
import gettext
import gzip
import pathlib
import random
import sys

DOCUMENT = 48 * 1024


def read_text(path):
    try:
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError, EOFError, gzip.BadGzipFile):
        return ""


def files_under(folders, suffixes, rng):
    paths = [p for folder in folders for p in sorted(pathlib.Path(folder).rglob("*"))
             if p.is_file() and not p.is_symlink() and p.suffix in suffixes
             and p.stat().st_size < 4 << 20]
    rng.shuffle(paths)
    return paths


def from_files(folders, suffixes, rng):
    for path in files_under(folders, suffixes, rng):
        text = read_text(path)
        if len(text) > 200:
            yield text


def from_catalogues(languages, rng):
    root = pathlib.Path("/usr/share/locale")
    paths = [p for language in languages
             for p in sorted(root.glob(f"{language}/LC_MESSAGES/*.mo"))]
    rng.shuffle(paths)
    for path in paths:
        try:
            with open(path, "rb") as file:
                catalogue = gettext.GNUTranslations(file)
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        # The catalogue's own table is the only way to list its messages.
        messages = [m for m in catalogue._catalog.values() if isinstance(m, str)]
        yield "\n".join(messages)


def documents(texts, budget):
    """Joins and cuts texts into documents of at most DOCUMENT characters, up to `budget` bytes."""
    done, pending = 0, ""
    for text in texts:
        pending += text
        while len(pending) >= DOCUMENT:
            document, pending = pending[:DOCUMENT], pending[DOCUMENT:]
            done += len(document.encode())
            yield document
            if done >= budget:
                return
        pending += "\n\n"
    yield pending


def random_character(rng):
    while True:
        c = rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0x20, 0x250),
                        rng.randrange(0x250, 0x3000), rng.randrange(0x3000, 0xA000),
                        rng.randrange(0xA000, 0x10000), rng.randrange(0x10000, 0x20000),
                        rng.randrange(0x20000, 0x110000), 0x0A, 0x20])
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def mixes(sources, rng, budget):
    """Short cuts of all sources and random text put side by side, where pieces meet oddly."""
    done = 0
    while done < budget:
        parts = []
        for _ in range(400):
            kind = rng.randrange(8)
            if kind == 0:
                parts.append("".join(random_character(rng) for _ in range(rng.randrange(1, 40))))
            elif kind == 1:
                parts.append(rng.choice(" \t\n\r.-=aA0\u4e00\u00e9\u3042") * rng.randrange(1, 80))
            elif kind == 2:
                parts.append("".join(rng.choice("0123456789abcdef+/=ABCDEF") for _ in range(64)))
            else:
                document = rng.choice(sources)
                at = rng.randrange(len(document))
                parts.append(document[at:at + rng.randrange(1, 160)])
        document = "".join(parts)
        done += len(document.encode())
        yield document


def main():
    out = pathlib.Path(sys.argv[1])
    total = int(float(sys.argv[2] if len(sys.argv) > 2 else 50) * 1e6)
    rng = random.Random(7)
    cjk = ["zh_CN", "zh_TW", "zh_Hant", "zh_HK", "ja", "ko"]
    others = ["ru", "ar", "de", "fr", "hi", "th", "he", "el", "vi", "pl", "tr", "uk", "ta", "am", "hy"]
    shares = [
        ("english", 0.34, from_files(["/usr/share/doc", "/usr/share/man/man1", "/usr/share/man/man3",
                                      "/usr/share/man/man8"], {".gz", "", ".txt", ".md"}, rng)),
        ("code", 0.30, from_files(["/usr/lib/python3.11", "/usr/include", "/usr/share/perl"],
                                  {".py", ".h", ".hpp", ".pm", ".c"}, rng)),
        ("cjk", 0.16, from_catalogues(cjk, rng)),
        ("other languages", 0.10, from_catalogues(others, rng)),
    ]
    everything = []
    for name, share, texts in shares:
        part = list(documents(texts, share * total))
        print(f"{name}: {sum(len(d.encode()) for d in part) / 1e6:.1f} MB", file=sys.stderr)
        everything += part
    done = sum(len(d.encode()) for d in everything)
    mixed = list(mixes(everything, rng, total - done))
    print(f"mixes: {sum(len(d.encode()) for d in mixed) / 1e6:.1f} MB", file=sys.stderr)
    everything += mixed
    rng.shuffle(everything)
    out.write_bytes(b"\xff".join(d.encode() for d in everything if d))


if __name__ == "__main__":
    main()
