#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the sample's deed of variation: make_deed.py "Deed of variation.docx". Standard library alone; the bytes
depend on this script only (fixed times in the archive)."""

import sys
import zipfile
from xml.sax.saxutils import escape

# (style, text); "**" marks bold runs.
DEED = [
    ("Title", "Deed of variation"),
    ("Subtitle", "Lease of Unit 4, Harbour Wharf"),
    ("Normal", "This deed is made on 12 October 2021 between HARBOUR WHARF ESTATES LIMITED (company number 07741120), of "
               "2 Custom House Row, Port Ellery PE1 2AB (the “Landlord”), and LARKSPUR INSTRUMENTS LIMITED (company number "
               "09213385), of 18 Tanner Street, Port Ellery PE2 6LN (the “Tenant”)."),
    ("Heading1", "Background"),
    ("Normal", "(A) By a lease dated 24 June 2019 the Landlord let Unit 4, Block B, Harbour Wharf to the Tenant for a term of "
               "ten years (the “Lease”)."),
    ("Normal", "(B) The parties have agreed to vary the Lease as set out in this deed, which is supplemental to the Lease."),
    ("Heading1", "1. Interpretation"),
    ("Normal", "Words defined in the Lease have the same meaning in this deed. A reference to a clause of the Lease is to that "
               "clause as it stood on the date of the Lease."),
    ("Heading1", "2. Variation date"),
    ("Normal", "The Lease is varied with effect from 1 November 2021 (the “Variation Date”). It applies as varied to every "
               "defect of which the Tenant becomes aware on or after that date."),
    ("Heading1", "3. Notice of disrepair"),
    ("Normal", "**3.1** In clause 5.3 of the Lease the words “thirty (30) days” are deleted and replaced by “sixty (60) days”."),
    ("Normal", "**3.2** Clause 5.3 of the Lease, as varied, accordingly reads: “The Tenant shall notify the Landlord in writing "
               "of any defect in the Structure within sixty (60) days after the Tenant becomes aware, or ought reasonably to "
               "have become aware, of it. A notice given to the Building Manager under clause 5.7 counts as notice to the "
               "Landlord.”"),
    ("Normal", "**3.3** Clauses 5.4 and 5.5 of the Lease apply to the period as varied."),
    ("Heading1", "4. The Lease otherwise unchanged"),
    ("Normal", "Save as varied by this deed the Lease remains in full force and effect, and the covenants of both parties "
               "are confirmed."),
    ("Heading1", "5. Costs"),
    ("Normal", "Each party bears its own costs of this deed. No premium is payable for it:"),
    ("Table", [["Cost", "Borne by"], ["Drafting of this deed", "Landlord"], ["Advice to the Tenant", "Tenant"]]),
    ("Heading1", "6. Governing law"),
    ("Normal", "This deed is governed by the laws of England and Wales."),
    ("Normal", "Executed as a deed by both parties and delivered on the date stated at its beginning."),
]

TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>\
<Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/>\
<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"""
RELS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>\
<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"""
DOCUMENT_RELS = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"""
CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\
<dc:title>Deed of variation of the lease of Unit 4, Harbour Wharf</dc:title><dc:creator>Harbour Wharf Estates Limited</dc:creator>\
<dcterms:created xsi:type="dcterms:W3CDTF">2021-10-12T09:00:00Z</dcterms:created></cp:coreProperties>"""
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def styles() -> str:
    def style(name: str, label: str, size: int, bold: bool, level: int | None = None) -> str:
        outline = f'<w:outlineLvl w:val="{level}"/>' if level is not None else ""
        return (f'<w:style w:type="paragraph" w:styleId="{name}"{" w:default=" + chr(34) + "1" + chr(34) if name == "Normal" else ""}>'
                f'<w:name w:val="{label}"/><w:pPr><w:spacing w:before="{240 if bold else 0}" w:after="120"/>{outline}</w:pPr>'
                f'<w:rPr>{"<w:b/>" if bold else ""}<w:sz w:val="{size}"/></w:rPr></w:style>')
    return (f"<w:styles {W}>" + style("Normal", "Normal", 22, False) + style("Title", "Title", 40, True) +
            style("Subtitle", "Subtitle", 26, False) + style("Heading1", "heading 1", 24, True, 0) + "</w:styles>")


def runs(text: str) -> str:
    parts = text.split("**")
    return "".join(f'<w:r>{"<w:rPr><w:b/></w:rPr>" if i % 2 else ""}<w:t xml:space="preserve">{escape(part)}</w:t></w:r>'
                   for i, part in enumerate(parts) if part)


def paragraph(style: str, text: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{runs(text)}</w:p>'


def table(rows: list[list[str]]) -> str:
    cell = lambda text: f'<w:tc><w:tcPr><w:tcW w:w="4200" w:type="dxa"/></w:tcPr>{paragraph("Normal", text)}</w:tc>'
    border = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
                     for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    return (f'<w:tbl><w:tblPr><w:tblBorders>{border}</w:tblBorders></w:tblPr>'
            '<w:tblGrid><w:gridCol w:w="4200"/><w:gridCol w:w="4200"/></w:tblGrid>' +
            "".join("<w:tr>" + "".join(map(cell, row)) + "</w:tr>" for row in rows) + "</w:tbl>")


def document() -> str:
    body = "".join(table(text) if style == "Table" else paragraph(style, text) for style, text in DEED)
    page = '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440"/></w:sectPr>'
    return f"<w:document {W}><w:body>{body}{page}</w:body></w:document>"


def main() -> None:
    parts = [("[Content_Types].xml", TYPES), ("_rels/.rels", RELS), ("docProps/core.xml", CORE),
             ("word/_rels/document.xml.rels", DOCUMENT_RELS), ("word/styles.xml", styles()), ("word/document.xml", document())]
    with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts:
            info = zipfile.ZipInfo(name, (2021, 10, 12, 9, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, HEAD + text)


if __name__ == "__main__":
    main()
