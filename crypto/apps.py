from django.apps import AppConfig


class CryptoConfig(AppConfig):
    name = "crypto"

    def ready(self) -> None:
        from crypto import verify, verify_house, verify_reversals  # noqa: F401 - they register what the books must say about crypto
        from crypto.services.withdrawal_fiat import payout_ended
        from payouts.services.records import at_end

        at_end(payout_ended)
