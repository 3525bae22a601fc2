"""JupyterLab for the course: chapters open as notebooks, and nothing outside this machine is asked for.

    python -m jupyter lab --config .jupyter/jupyter_lab_config.py

On Binder the repository is the home folder, so JupyterLab finds this file by itself. overrides.json, beside it, turns
three defaults: chapters open as notebooks; they are saved when you say so, for a notebook that is saved has its text
wrapped anew; and all cells stay on the page, as a map that leaves it would start afresh. nbgrader's menu and its part
of the server, which teachers use in the folder of a class, are switched off here and in page_config.json.
"""

from pathlib import Path

c = get_config()  # noqa: F821 (Jupyter defines it)
c.LabApp.app_settings_dir = str(Path(__file__).parent)  # overrides.json, page_config.json
c.LabApp.default_url = "/lab/tree/book/how-to-use.md"
c.LabApp.extension_manager = "readonly"  # the other one asks a package registry
tools = ("formgrader", "validate_assignment", "assignment_list", "course_list")
c.ServerApp.jpserver_extensions = {f"nbgrader.server_extensions.{tool}": False for tool in tools}
