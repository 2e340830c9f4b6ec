from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from gateway.lib import transfers
        from payments import verify, verify_statements  # noqa: F401 - register what the books must say about payments
        from payments.corrections import verify as verify_corrections  # noqa: F401 - and about corrections
        from payments.providers import registry
        from payments.services.instruments import credited_with

        registry.load()
        transfers.register("payments", credited_with)
