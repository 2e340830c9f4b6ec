"""Refusals about people and credentials."""

from gateway.lib.errors import GatewayError, NotAllowed


class EmailTaken(GatewayError):
    code = "email_taken"
    message = "A user with this e-mail address already exists."


class AccountSuspended(NotAllowed):
    message = "account suspended"


class RoleNotAllowed(NotAllowed):
    message = "Nobody makes or changes a user at or above their own role."


class OwnAccount(GatewayError):
    code = "invalid_state"
    message = "You cannot suspend yourself."


class LastSuperAdmin(GatewayError):
    code = "invalid_state"
    message = "The last active super_admin cannot be suspended or demoted."


class SecretReplaced(GatewayError):
    """Somebody else regenerated it meanwhile."""

    code = "secret_replaced"
    message = "This secret has been replaced already. Nothing was changed."


class KeyReplaced(GatewayError):
    """The key that asked for its own replacement was replaced meanwhile: it is as dead as any unknown one."""

    code = "invalid_api_key"
    message = "This API key has been replaced."


class SignInRefused(GatewayError):
    code = "sign_in_refused"
    message = "This e-mail address and password do not match."


class AccountLocked(GatewayError):
    """`details["minutes"]`: until when to wait."""

    code = "account_locked"
    message = "Too many failed attempts. Try again later."


class SignInUnavailable(GatewayError):
    """The shared counters cannot be reached, so attempts could not be limited: nobody is let in."""

    code = "sign_in_unavailable"
    message = "Sign-in is not available for a moment. Try again shortly."


class CodeRefused(GatewayError):
    code = "code_refused"
    message = "This code is not valid, or was used already. Wait for the next one."


class SecondFactorExists(GatewayError):
    code = "invalid_state"
    message = "This account has an authenticator already."


class NoSecondFactor(GatewayError):
    code = "invalid_state"
    message = "This account has no authenticator."
