"""Factors kernels with FLINT: a file with a JSON list of rows of decimal strings; factors on standard output."""
import json
import sys

import flint

CONTEXT = flint.fmpz_mpoly_ctx.get(("x", "y"), "lex")


def factor(rows):
    cells = {(i, j): int(c) for i, row in enumerate(rows) for j, c in enumerate(row) if int(c)}
    try:
        content, factors = CONTEXT.from_dict(cells).factor()
    except OverflowError:
        return None  # python-flint sorts the factors, which fails where several have large coefficients
    content = int(content)
    out = []
    for polynomial, multiplicity in factors:
        terms = {tuple(map(int, e)): int(c) for e, c in polynomial.to_dict().items()}
        if terms[max(terms)] < 0:
            terms = {e: -c for e, c in terms.items()}
            content *= (-1) ** int(multiplicity)
        height, width = (1 + max(e[k] for e in terms) for k in (0, 1))
        grid = [[str(terms.get((i, j), 0)) for j in range(width)] for i in range(height)]
        out.append([grid, int(multiplicity)])
    return [str(content), out]


with open(sys.argv[1]) as kernels:
    print(json.dumps([factor(rows) for rows in json.load(kernels)]))
