"""The formats, one file each; `core.exchange.registry` lists them."""
