from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The installation as a whole: its commands."""

    name = "gateway"

    def ready(self) -> None:
        from gateway.lib import sums

        sums.register()
