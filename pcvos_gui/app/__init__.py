"""The application: main window, actions and what they do, preferences, looks."""
