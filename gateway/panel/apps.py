from django.apps import AppConfig


class PanelConfig(AppConfig):
    name = "gateway.panel"
    label = "panel"
