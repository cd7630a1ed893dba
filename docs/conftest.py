"""Runs the Python blocks of every page, in order, in one namespace a page."""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["*.md"], excludes=["site/*"]).pytest()
