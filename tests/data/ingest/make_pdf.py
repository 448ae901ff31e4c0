# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes contract.pdf: two pages of a made-up agreement, with the standard fonts."""

import zlib

PAGES = [
    [(220, 780, 14, "SUPPLY AGREEMENT"),
     (72, 740, 11, "This Supply Agreement is made on 3 March 2024 between Larch & Co. Limited (the \"Seller\") and"),
     (72, 726, 11, "Fir Trading GmbH (the \"Buyer\")."),
     (72, 696, 11, "1. TERM"),
     (72, 672, 11, "1.1 This Agreement begins on 1 April 2024 and continues for three years. It is kept under lock and"),
     (72, 658, 11, "key by both parties."),
     (72, 634, 11, "1.2 Either party may terminate this Agreement for convenience upon ninety (90) days' written notice"),
     (72, 620, 11, "to the other party, and the termi-"),
     (72, 606, 11, "nation takes effect at the end of that period."),
     (290, 40, 9, "Page 1 of 2")],
    [(72, 780, 11, "2. GOVERNING LAW"),
     (72, 756, 11, "This Agreement is governed by the laws of England and Wales, without regard to its rules on the"),
     (72, 742, 11, "conflict of laws."),
     (72, 700, 11, "Seller:"), (320, 700, 11, "Buyer:"),
     (72, 676, 11, "Name: A. Larch"), (320, 676, 11, "Name: B. Fir"),
     (290, 40, 9, "Page 2 of 2")],
]


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>"]
kids = []
for page in PAGES:
    lines = "".join(f"BT /F1 {size} Tf {x} {y} Td ({escaped(text)}) Tj ET\n" for x, y, size, text in page)
    data = zlib.compress(lines.encode("cp1252"), 9)
    objects.append(b"<</Length %d/Filter/FlateDecode>>\nstream\n" % len(data) + data + b"\nendstream")
    objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>" % len(objects))
    kids.append(b"%d 0 R" % len(objects))
objects[1] = b"<</Type/Pages/Kids[" + b" ".join(kids) + b"]/Count %d>>" % len(kids)

out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
offsets = []
for number, body in enumerate(objects, 1):
    offsets.append(len(out))
    out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
table = len(out)
out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
out += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
with open("contract.pdf", "wb") as file:
    file.write(out)
