"""Every credential and every record belongs to one mode; a record of the other mode does not exist for it."""

from django.db import models


class Mode(models.TextChoices):
    TEST = "test", "Test"
    LIVE = "live", "Live"
