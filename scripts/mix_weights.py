"""Weights between those of two files, or beyond them.

    python scripts/mix_weights.py FROM TO SHARE OUTPUT

SHARE is how far to go from FROM to TO: 0.5 is their mean, 1.3 goes on behind TO by 0.3 of the way. Both are of the
small preset.
"""

import argparse
from pathlib import Path

from core.network import PCVOS, SMALL, save_network
from core.network.checkpoint import load_state, read_weights


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind in (("from", Path), ("to", Path), ("share", float), ("output", Path)):
        arguments.add_argument(name, type=kind)
    given = vars(arguments.parse_args())
    start, end = (read_weights(given[name])[1] for name in ("from", "to"))
    floats = {name: start[name].lerp(value, given["share"]) for name, value in end.items() if value.is_floating_point()}
    network = PCVOS(SMALL)
    load_state(network, {**end, **floats}, given["to"])
    save_network(given["output"], network)


if __name__ == "__main__":
    main()
