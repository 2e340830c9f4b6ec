from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """The API doors. Its only table is the memory of idempotency keys."""

    name = "gateway.contracts"
    label = "contracts"

    def ready(self) -> None:
        from gateway.contracts import register

        register.renderers()
