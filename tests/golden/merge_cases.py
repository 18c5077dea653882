"""The cases of the layers that merge several inputs element by element, and of Dot.

The rows are those of other_cases.py; `shape` is a list, whose shapes may differ as Keras' broadcasting
allows: ones repeat, and an input of fewer axes gets ones behind its batch.
"""
from layer_cases import case

SAME = [case([(2, 5, 3)] * 2), case([(2, 5, 7, 3)] * 2), case([(5, 7)] * 2)]
GATES = [
    case([(2, 1, 1, 7), (2, 3, 5, 7)]), case([(2, 3, 5, 7), (2, 1, 1, 7)]),
    case([(3, 4, 5, 19), (3, 4, 5, 1)]), case([(2, 3, 5, 7), (2, 3, 1, 1)]),
    case([(1, 6, 1, 5), (1, 1, 4, 1)]),
]
MANY = [case([(2, 5, 7, 3)] * 3), case([(2, 3, 5, 7), (2, 1, 1, 7), (2, 3, 1, 1)]),
        case([(1, 2, 3, 2, 5), (1, 2, 3, 1, 5), (1, 2, 3, 2, 1), (1, 1, 1, 2, 5)])]
RANKS = [case([(2, 5, 3), (2, 3)]), case([(2, 3), (2, 4, 5, 3)])]
MIXED = [case([(2, 3, 1, 5), (2, 1, 4, 1)])]
# Zeros and ones, so that most are equal.
TIED_MERGE = [case([(2, 5, 7)] * 2), case([(2, 3, 5)] * 3)]

DOT = [case([(3, 7), (3, 7)], axes=1), case([(2, 5, 3), (2, 4, 3)], axes=-1), case([(2, 3, 5), (2, 10, 3)], axes=[1, 2]),
       case([(2, 4, 3, 5), (2, 3, 6)], axes=[2, 1]), case([(2, 5, 3), (2, 5)], axes=1),
       case([(3, 7), (3, 7)], axes=1, normalize=True), case([(2, 4, 3, 5), (2, 3, 6)], axes=[2, 1], normalize=True)]

MERGES = {
    "Dot": DOT,
    "Subtract": SAME + GATES + RANKS + MIXED,
    "Multiply": SAME + GATES + MANY + RANKS + MIXED,
    "Average": SAME + GATES[:2] + MANY + RANKS + MIXED,
    "Maximum": SAME + GATES + MANY + RANKS + MIXED,
    "Minimum": SAME + GATES + MANY + RANKS + MIXED,
}
