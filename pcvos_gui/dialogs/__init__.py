"""Import and export: their dialogs, and what goes on behind them."""
