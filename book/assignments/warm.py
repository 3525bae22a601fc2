"""What every marking process needs, imported once: mark.py forks them from a process that has this module."""

import os

import IPython.core.completer  # noqa: F401
import ipykernel.kernelspec  # noqa: F401
import jupyter_client.asynchronous  # noqa: F401
import matplotlib.font_manager
import nbclient  # noqa: F401
import nbformat.v4
import nbgrader.apps  # noqa: F401
import psutil  # noqa: F401
from sqlalchemy.orm import configure_mappers

configure_mappers()
nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")]))  # compiles the rules of the format
os.environ["MPLCONFIGDIR"] = matplotlib.get_cachedir()  # with the list of fonts, which takes seconds to make
