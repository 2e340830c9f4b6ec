from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "payouts"

    def ready(self) -> None:
        from gateway.lib import transfers
        from payouts import verify  # noqa: F401 - registers what the books must say about payouts
        from payouts.providers import registry
        from payouts.services.returning import came_back_with

        registry.load()
        transfers.register("payouts", came_back_with)
