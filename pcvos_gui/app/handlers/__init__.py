"""The actions' functions, of the window, by subject."""
