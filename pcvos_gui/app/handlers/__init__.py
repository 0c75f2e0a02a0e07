"""What the actions of `actions.py` do: functions of the window, by subject."""
