#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/vectors.json: strings of our own and their ids in the Hugging Face tokenizers library.

    pip install tokenizers==0.23.3
    python3 make_vectors.py V4/tokenizer.json EMBEDDED/tokenizer.json > data/vectors.json

The strings walk through every branch of the pre-tokeniser (spaces, line ends, digits, CJK runs,
marks, unassigned characters), through long pieces, and through added tokens whole, cut and adjacent.
"""
import json
import random
import sys

from tokenizers import Tokenizer

FIXED = [
    "", " ", "  ", "   a", "\t", "\n", "\r\n", "\r\n\r\n  x", "a\n \n b", " \n\t\n ", "end  ", "end \n",
    "The Supplier shall indemnify the Customer against all claims.",
    "don't I'LL we'd O'Neil's 'quoted' (see §4.2(b)(iii)) [1] {x} <y>",
    "1 12 123 1234 12345 3.14159 1,000,000.00 \u00a31,5 50% x2 2x Q4FY25 \u00bd \u2160\u2161\u2162 \u0663\u0664\u0665\u0666",
    "int main(int argc, char** argv) {\n\treturn argv[0] != nullptr ? 0 : -1; // done\n}\n",
    "def f(self, *args, **kwargs):\n    return {k: v for k, v in kwargs.items()}\n\n\n",
    "SELECT a.id, COUNT(*) FROM t AS a WHERE a.x >= 10 GROUP BY a.id;--",
    "https://example.org/a_b/c-d?e=f&g=%20#h user@example.com C:\\Users\\x",
    "CamelCaseIdentifier snake_case_identifier SCREAMING_CASE kebab-case x_1y2z3",
    "caf\u00e9 na\u00efve \u00dcbergr\u00f6\u00dfe \u0152uvre \u017b\u00f3\u0142\u0107 cafe\u0301 a\u0300\u0301\u0302b",
    "\u4e2d\u6587\u548cEnglish\u6df7\u6392123\u4e2a\u5b57\u3002\u300c\u5f15\u7528\u300d\uff0c\u5168\u89d2\uff21\uff22\uff11\uff12\uff01",
    "\u3053\u3093\u306b\u3061\u306f\u3001\u4e16\u754c\u3002\u30ab\u30bf\u30ab\u30ca\u30fb\u30fc\u30a0\u309b\u3099\u3040\u3097 \uff76\uff80\uff76\uff85",
    "\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4 1\ub144", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! 2024 \u0433.", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645 \u05e9\u05dc\u05d5\u05dd",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01",
    "\U0001F600\U0001F468\u200d\U0001F469\u200d\U0001F467 \u2764\ufe0f \U0001F1E9\U0001F1EA \U00020000\U0002A6D6 \U0001D49C",
    "\u201cSmart\u201d \u2018quotes\u2019 \u2014 dash \u2013 \u2026 \u2022 bullet \u00b6 \u00a7 \u2122 \u00a9",
    "a\u00a0b\u2003c\u2028d\u2029e\u0085f\u000bg\u000ch\u3000i\u200bj\ufeffk\u00adl",
    "\x00\x01\x02 \x7f\x1b[0m \x1c\x1d", "\u0378\u0379 \u0378a \ue000\ue001b \ufffe\uffff \U000E0001x \U0010FFFF",
    "<\uff5cUser\uff5c>hello<\uff5cAssistant\uff5c></think>", "<\uff5cUser\uff5c", "\uff5cUser\uff5c>", "<<\uff5cUser\uff5c>>",
    "<think><think></think></think >", "</thin k> <Think>", "<\uff5cDSML\uff5cinvoke name=\"f\">", "\uff5c\uff5cDSML\uff5c\uff5c",
    "<\uff5cbegin\u2581of\u2581sentence\uff5c><\uff5cend\u2581of\u2581sentence\uff5c><\uff5c\u2581pad\u2581\uff5c>", "<|EOT|><|eot|>",
    "a <\uff5ctitle\uff5c> b\n<\uff5clatest_reminder\uff5c>\n", "text</think>\n\ntext", "  <\uff5caction\uff5c>  ",
    "." * 130, " " * 131, "\n" * 40, "-" * 257, "=" * 65, "a" * 300, "ab" * 200, "0" * 100, "\u4e00" * 80,
    "\u00e9" * 70, "x" * 15, "x" * 16, "x" * 64, "x" * 65, "word " * 40,
    "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "QmFzZTY0IGVuY29kZWQgdGV4dCB3aXRoIG5vIHNwYWNlcyBhdCBhbGw=" * 3,
    "AGCTTTTCATTCTGACTGCAACGGGCAATATGTCTCTGTGTGGATTAAAAAAAGAGTGTCTGATAGCAGC" * 3,
]
ALPHABETS = [
    " \t\n\r", " \n.,;:!?'\"()", "abcXYZ'_-. ", "0123456789. ,", "\u4e00\u4e8c\u9fa5\u9fa6\u3042\u30a2\u30fc\u30fb\u3099 a1.",
    "\u00e9e\u0301\u0300 a\n.", "\u0378\ue000\u200d\u00ad a.1\n", "\u20ac$+<=>|~^` a1", "\u2028\u2029\u0085\u00a0\u3000 a\n.",
    "\u0660\u00bd\u2167\u4e00a .", "<>\uff5cUser|think/ ", "\U0001F600\U0001F3FD\u200d\ufe0f a.",
]


def main():
    v4, embedded = (Tokenizer.from_file(path) for path in sys.argv[1:3])
    rng = random.Random(20260101)
    texts = list(FIXED)
    for alphabet in ALPHABETS:
        for _ in range(24):
            texts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(2, 24))))
    everything = "".join(ALPHABETS)
    for _ in range(60):
        texts.append("".join(rng.choice(everything) for _ in range(rng.randint(2, 40))))
    print("[")
    rows = []
    for text in dict.fromkeys(texts):
        ids = {name: t.encode(text, add_special_tokens=False).ids
               for name, t in (("embedded", embedded), ("v4", v4))}
        rows.append(json.dumps({"text": text, **ids}, separators=(",", ":")))
    print(",\n".join(rows))
    print("]")


if __name__ == "__main__":
    main()
