"""Whose an address is, and what it was last used for, without reading its sessions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crypto", "0005_counting")]
    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                fields=["merchant", "mode", "address", "-created_at", "-id"], include=("currency",),
                name="session_of_address",
            ),
        ),
    ]
