"""Places in a model, as Qt hands them to models and delegates."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

Index = QModelIndex | QPersistentModelIndex

NO_PARENT = QModelIndex()
"""The parent of the rows of a list or table."""
