# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes data/quote_cases.json: documents and the quotations that are checked against them.

A case is: quotation, document that the answer names (or ""), verdict, and the text that the verdict's range must cover
(or "" for not-found and for quotations that do not count). In the documents, <<...>> marks a running header or a
footnote. The expectations are written by hand; run this after changing them: python3 make_quote_cases.py"""

import json
from pathlib import Path

LEASE = (
    "LEASE OF UNIT 4\n\n"
    "5.1 Tenant\u2019s repairs. The Tenant shall keep the interior of the Property, including all plaster, non-structural "
    "partitions, doors and internal glazing, in good and substantial repair, fair wear and tear excepted.\n\n"
    "5.2 Landlord\u2019s repairs. The Landlord shall keep the Structure in good repair and shall bear the cost of doing so, "
    "and no part of that cost shall be recoverable through the\nService Charge.\n\n"
    "5.3 Notice. The Tenant shall notify the Landlord within thirty (30) days after the Tenant becomes aware of any "
    "defect \u2014 whether or not the defect is visible \u2014 in the Structure. The termi\u00adnation of this \u201cLease\u201d does not "
    "affect this duty.\n\n"
    "<<Lease of Unit 4, Harbour Wharf    14>>\n"
    "5.4 Late notice. If the Tenant fails to give notice in accordance with clause 5.3, the Tenant shall bear such part "
    "of the cost of repair as is\n<<1 As defined in the Surveyor\u2019s report.>>\n<<Lease of Unit 4, Harbour Wharf    15>>\n"
    "attributable to the delay, but the Landlord\u2019s obligation shall otherwise be unaffected.\n\n"
    "5.5 The of\ufb01ce \ufb02oor, the pro\ufb01t share of 2.5 % and the de\ufb01nition of \u201cNet Sales\u201d are set out in Annex\u00a0B.\n\n"
    "5.6 Any sub-letting is illegal under the terms of this Lease. A long-\nterm licence needs a co-operation agree-\nment.\n\n"
    "5.7 The period is 10-14 days; the rent is \u00a3 12,500.00 per annum... payable quarterly in advance.\n\n"
    "5.8 Caf\u00e9 owners (\u201cthe \u2018Caf\u00e9s\u2019\u201d) may use the \u00c9lys\u00e9e Terrace; they shall not use the stra\u00dfe entrance.\n"
)
DEED = (
    "DEED OF VARIATION\n\nThe period of thirty (30) days in clause 5.3 of the Lease is replaced by sixty (60) days. "
    "All other terms remain in full force and effect. The Landlord may assign this Deed without consent.\n"
)
CODE = (
    "// Copies rows into the lane.\nint appendRows(Lane& lane, std::span<const Row> rows) {\n    if (rows.empty()) {\n        "
    "return 0; // nothing to do\n    }\n    lane.rows.insert(lane.rows.end(), rows.begin(), rows.end());\n    return "
    "static_cast<int>(rows.size());\n}\n"
)
OTHER = (
    "\u672c\u5408\u540c\u53d7\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u6cd5\u5f8b\n\u7ba1\u8f96\uff0c\u53cc\u65b9\u5e94\u53cb\u597d\u534f\u5546\u89e3\u51b3\u4e89\u8bae\u3002\n\n"
    "\u0414\u043e\u0433\u043e\u0432\u043e\u0440 \u0440\u0435\u0433\u0443\u043b\u0438\u0440\u0443\u0435\u0442\u0441\u044f \u0437\u0430\u043a\u043e\u043d\u043e\u0434\u0430\u0442\u0435\u043b\u044c\u0441\u0442\u0432\u043e\u043c \u0420\u043e\u0441\u0441\u0438\u0439\u0441\u043a\u043e\u0439 \u0424\u0435\u0434\u0435\u0440\u0430\u0446\u0438\u0438.\n\n"
    "\u03a4\u03bf \u03c0\u03b1\u03c1\u03cc\u03bd \u03b4\u03b9\u03ad\u03c0\u03b5\u03c4\u03b1\u03b9 \u03b1\u03c0\u03cc \u03c4\u03bf \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03cc \u03b4\u03af\u03ba\u03b1\u03b9\u03bf.\n"
)
DOCUMENTS = {"lease": LEASE, "deed": DEED, "code": CODE, "other": OTHER}

V, N, P, O, X, S = "verified", "verified-normalised", "partial", "other-document", "not-found", "too-short"
COST = "shall bear the cost of doing so"
CHARGE = "no part of that cost shall be recoverable through the\nService Charge"
DELAY = ("such part of the cost of repair as is\n1 As defined in the Surveyor\u2019s report.\nLease of Unit 4, Harbour Wharf    15\n"
         "attributable to the delay")
CASES = [
    # verbatim
    (COST, "lease", V, COST),
    (COST, "", V, COST),
    ("  " + COST + "\n", "lease", V, COST),
    (CHARGE, "lease", V, CHARGE),
    ("within thirty (30) days after the Tenant becomes aware", "lease", V, "within thirty (30) days after the Tenant becomes aware"),
    ("LEASE OF UNIT 4", "lease", V, "LEASE OF UNIT 4"),
    ("5.2 Landlord\u2019s repairs.", "lease", V, "5.2 Landlord\u2019s repairs."),
    ("return static_cast<int>(rows.size());", "code", V, "return static_cast<int>(rows.size());"),
    ("if (rows.empty()) {\n        return 0;", "code", V, "if (rows.empty()) {\n        return 0;"),
    ("\u0434\u0438\u0432\u0456\u0434\u043a\u0443\u043a\u0443\u0443 \u043d\u0435\u043c\u0430", "other", X, ""),
    ("\u0440\u0435\u0433\u0443\u043b\u0438\u0440\u0443\u0435\u0442\u0441\u044f \u0437\u0430\u043a\u043e\u043d\u043e\u0434\u0430\u0442\u0435\u043b\u044c\u0441\u0442\u0432\u043e\u043c", "other", V,
     "\u0440\u0435\u0433\u0443\u043b\u0438\u0440\u0443\u0435\u0442\u0441\u044f \u0437\u0430\u043a\u043e\u043d\u043e\u0434\u0430\u0442\u0435\u043b\u044c\u0441\u0442\u0432\u043e\u043c"),
    ("\u53cc\u65b9\u5e94\u53cb\u597d\u534f\u5546\u89e3\u51b3\u4e89\u8bae", "other", S, ""),
    ("\u7ba1\u8f96\uff0c\u53cc\u65b9\u5e94\u53cb\u597d\u534f\u5546\u89e3\u51b3\u4e89\u8bae\u3002", "other", V, "\u7ba1\u8f96\uff0c\u53cc\u65b9\u5e94\u53cb\u597d\u534f\u5546\u89e3\u51b3\u4e89\u8bae\u3002"),
    ("1 As defined in the Surveyor\u2019s report.", "lease", V, "1 As defined in the Surveyor\u2019s report."),
    ("Lease of Unit 4, Harbour Wharf    14", "lease", V, "Lease of Unit 4, Harbour Wharf    14"),
    # case
    ("SHALL BEAR THE COST OF DOING SO", "lease", N, COST),
    ("Shall Bear The Cost Of Doing So", "", N, COST),
    ("lease of unit 4", "lease", N, "LEASE OF UNIT 4"),
    ("\u0414\u041e\u0413\u041e\u0412\u041e\u0420 \u0440\u0435\u0433\u0443\u043b\u0438\u0440\u0443\u0435\u0442\u0441\u044f", "other", N, "\u0414\u043e\u0433\u043e\u0432\u043e\u0440 \u0440\u0435\u0433\u0443\u043b\u0438\u0440\u0443\u0435\u0442\u0441\u044f"),
    ("\u03b4\u03b9\u03ad\u03c0\u03b5\u03c4\u03b1\u03b9 \u0391\u03a0\u038c \u03c4\u03bf \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03cc", "other", N, "\u03b4\u03b9\u03ad\u03c0\u03b5\u03c4\u03b1\u03b9 \u03b1\u03c0\u03cc \u03c4\u03bf \u03b5\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03cc"),
    ("the STRASSE entrance", "lease", N, "the stra\u00dfe entrance"),
    # white space
    ("no part of that cost shall be recoverable through the Service Charge", "lease", N, CHARGE),
    ("shall  bear\tthe cost\n\nof doing so", "lease", N, COST),
    ("shall\u00a0bear\u2009the cost of doing so", "lease", N, COST),
    ("within thirty(30)days after the Tenant", "lease", N, "within thirty (30) days after the Tenant"),
    ("within thirty ( 30 ) days after the Tenant", "lease", N, "within thirty (30) days after the Tenant"),
    ("the rent is \u00a312,500.00 per annum", "lease", N, "the rent is \u00a3 12,500.00 per annum"),
    ("are set out in Annex B.", "lease", N, "are set out in Annex\u00a0B."),
    ("the profit share of 2.5% and", "lease", N, "the pro\ufb01t share of 2.5 % and"),
    ("if (rows.empty()) { return 0;", "code", N, "if (rows.empty()) {\n        return 0;"),
    ("\u672c\u5408\u540c\u53d7\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u6cd5\u5f8b\u7ba1\u8f96", "other", N, "\u672c\u5408\u540c\u53d7\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u6cd5\u5f8b\n\u7ba1\u8f96"),
    # quotation marks and apostrophes
    ("5.2 Landlord's repairs.", "lease", N, "5.2 Landlord\u2019s repairs."),
    ("5.2 Landlord`s repairs.", "lease", N, "5.2 Landlord\u2019s repairs."),
    ("the definition of \"Net Sales\" are", "lease", N, "the de\ufb01nition of \u201cNet Sales\u201d are"),
    ("the definition of 'Net Sales' are", "lease", N, "the de\ufb01nition of \u201cNet Sales\u201d are"),
    ("the definition of ``Net Sales'' are", "lease", N, "the de\ufb01nition of \u201cNet Sales\u201d are"),
    ("the definition of \u00abNet Sales\u00bb are", "lease", N, "the de\ufb01nition of \u201cNet Sales\u201d are"),
    ("Caf\u00e9 owners (\"the 'Caf\u00e9s'\") may use", "lease", N, "Caf\u00e9 owners (\u201cthe \u2018Caf\u00e9s\u2019\u201d) may use"),
    # ligatures, accents, compatibility forms
    ("The office floor, the profit share", "lease", N, "The of\ufb01ce \ufb02oor, the pro\ufb01t share"),
    ("The of\ufb01ce \ufb02oor, the pro\ufb01t share", "lease", V, "The of\ufb01ce \ufb02oor, the pro\ufb01t share"),
    ("may use the E\u0301lyse\u0301e Terrace", "lease", N, "may use the \u00c9lys\u00e9e Terrace"),
    ("may use the Elysee Terrace here", "lease", X, ""),
    ("shall bear the \uff43\uff4f\uff53\uff54 of doing so", "lease", N, COST),
    # hyphens
    ("The termination of this", "lease", N, "The termi\u00adnation of this"),
    ("The termi-nation of this", "lease", N, "The termi\u00adnation of this"),
    ("The termi-\nnation of this", "lease", N, "The termi\u00adnation of this"),
    ("A long-term licence needs", "lease", N, "A long-\nterm licence needs"),
    ("a co-operation agreement", "lease", N, "a co-operation agree-\nment"),
    ("a cooperation agreement", "lease", N, "a co-operation agree-\nment"),
    ("including all plaster, nonstructural partitions", "lease", N, "including all plaster, non-structural partitions"),
    ("including all plaster, non\u2011structural partitions", "lease", N, "including all plaster, non-structural partitions"),
    ("including all plaster, non-\n  structural partitions", "lease", N, "including all plaster, non-structural partitions"),
    ("The period is 10\u201314 days", "lease", N, "The period is 10-14 days"),
    ("The period is 10 - 14 days", "lease", N, "The period is 10-14 days"),
    ("The period is 1014 days", "lease", X, ""),
    ("The period is 10 14 days", "lease", X, ""),
    # dashes
    ("any defect - whether or not the defect is visible - in", "lease", N, "any defect \u2014 whether or not the defect is visible \u2014 in"),
    ("any defect\u2014whether or not the defect is visible\u2014in", "lease", N, "any defect \u2014 whether or not the defect is visible \u2014 in"),
    ("any defect -- whether or not the defect", "lease", N, "any defect \u2014 whether or not the defect"),
    # ellipsis
    ("\u2026shall bear the cost of doing so\u2026", "lease", N, COST),
    ("...shall bear the cost of doing so...", "lease", N, COST),
    ("[...] shall bear the cost of doing so [\u2026]", "lease", N, COST),
    ("per annum\u2026 payable quarterly", "lease", N, "per annum... payable quarterly"),
    ("The Landlord shall keep the Structure \u2026 recoverable through the Service Charge", "lease", X, ""),
    # page breaks
    ("such part of the cost of repair as is attributable to the delay", "lease", N, DELAY),
    ("Such part of the cost of repair as is Attributable to the Delay", "", N, DELAY),
    ("the cost of repair as is 1 As defined in the Surveyor's report.", "lease", N,
     "the cost of repair as is\n1 As defined in the Surveyor\u2019s report."),
    # words must be whole
    ("legal under the terms of this Lease", "lease", X, ""),
    ("legal under the terms of this Lease. A long-term licence needs", "lease", P, "under the terms of this Lease. A long-\nterm licence needs"),
    ("illegal under the terms of this Lease", "lease", V, "illegal under the terms of this Lease"),
    ("hall bear the cost of doing so", "lease", X, ""),
    ("hall bear the cost of doing so, and no part of", "lease", P, "bear the cost of doing so, and no part of"),
    ("otice in accordance with clause 5.3, the Tenant", "lease", P, "in accordance with clause 5.3, the Tenant"),
    # partial
    ("The Landlord shall keep the Structure in good repair and may bear", "lease", P, "The Landlord shall keep the Structure in good repair and"),
    ("The lessor shall notify the Landlord within thirty (30) days after the Tenant becomes aware of any defect", "lease", P,
     "shall notify the Landlord within thirty (30) days after the Tenant becomes aware of any defect"),
    ("All those other terms remain in full force and effect. The Landlord may", "deed", P,
     "other terms remain in full force and effect. The Landlord may"),
    ("All the other terms remain in full force and effect.", "deed", X, ""),
    ("The Landlord shall keep the Structure in good repair and the Tenant shall pay for it", "lease", X, ""),
    # other document
    ("replaced by sixty (60) days", "lease", O, "replaced by sixty (60) days"),
    ("Replaced by SIXTY (60) days", "lease", O, "replaced by sixty (60) days"),
    ("replaced by sixty (60) days", "deed", V, "replaced by sixty (60) days"),
    ("replaced by sixty (60) days", "", V, "replaced by sixty (60) days"),
    (COST, "deed", O, COST),
    ("All other terms stay in full force and effect.", "deed", X, ""),
    ("All other terms remain in full force and in effect", "lease", X, ""),
    ("if (rows.empty()) {\n        return 0;", "lease", O, "if (rows.empty()) {\n        return 0;"),
    ("All these other terms remain in full force and effect. The Landlord may assign", "lease", P,
     "other terms remain in full force and effect. The Landlord may assign"),
    # not there
    ("The Tenant shall bear the cost of doing so", "lease", X, ""),
    ("The Landlord shall not keep the Structure in repair", "lease", X, ""),
    ("payable monthly in arrears on the first day", "lease", X, ""),
    ("The Tenant shall keep the interior in fair wear", "lease", X, ""),
    ("within forty (40) days after the Tenant", "lease", X, ""),
    # stitched from true pieces
    ("The Tenant shall keep the interior of the Property shall be recoverable", "lease", X, ""),
    # under 12 characters
    ("in writing", "lease", S, ""),
    ("the Tenant", "lease", S, ""),
    ("\u2026 the Tenant \u2026", "lease", S, ""),
    ("", "lease", S, ""),
    ("            ", "lease", S, ""),
    (". . . . . . . . . . . .", "lease", S, ""),
    ("any plaster!", "lease", X, ""),
]


def main() -> None:
    cases = [{"quote": q, "named": n, "verdict": v, "covers": c} for q, n, v, c in CASES]
    out = Path(__file__).parent / "data" / "quote_cases.json"
    out.write_text(json.dumps({"documents": DOCUMENTS, "cases": cases}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
