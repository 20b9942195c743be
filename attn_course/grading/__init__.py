"""Handing out, grading in a sandbox, gradebook and feedback, for whoever gives the course.

The command `attn-course` does all of it from a course folder. Here is what a program of one's own
may want: to read a `course.toml`, and to turn notebooks into points and reasons. Neither needs
nbgrader.
"""

from attn_course.grading.course import Course, load_course
from attn_course.grading.grade import Report, grade_all, grade_notebook

__all__ = ["Course", "Report", "grade_all", "grade_notebook", "load_course"]
