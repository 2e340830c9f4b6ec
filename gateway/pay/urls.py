"""The payer's door: `/pay/{token}` and nothing that leads from one payment to another."""

from django.urls import path

from gateway.pay import views

app_name = "pay"
urlpatterns = [
    path("<str:token>", views.PaymentPage.as_view(), name="payment"),
    path("<str:token>/status", views.status, name="status"),
    path("<str:token>/simulate", views.simulate_answer, name="simulate"),
]
