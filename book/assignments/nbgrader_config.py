# Settings of a class's folder; make.py copies this file into it.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "kazakhstan"
c.Execute.timeout = 60  # seconds that one cell may take; mark.py --timeout overrides it
