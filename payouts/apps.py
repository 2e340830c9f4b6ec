from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "payouts"

    def ready(self) -> None:
        from payouts import verify  # noqa: F401 - registers what the books must say about payouts
        from payouts.providers import registry

        registry.load()
