# Settings of a class's folder; make.py copies this file into it.
import os

os.environ["PYTHONWARNINGS"] = "ignore"  # nbgrader gives no points where a test writes to stderr, be it only a warning

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "kazakhstan"
c.Execute.timeout = 60  # seconds that one cell may take; mark.py --timeout overrides it

# How zip_collect finds the student in an archive of Moodle: First Last_12345_assignsubmission_file/events.ipynb
c.FileNameCollectorPlugin.named_regexp = (
    r".*/(?P<student_id>[^/]+?)_\d+_assignsubmission_file[^/]*/(?P<file_id>.+\.ipynb)$"
)
