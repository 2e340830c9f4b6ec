"""`/dashboard/overview` and `/dashboard/analytics/payments`."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from crypto.queries.analytics import analytics
from gateway.contracts.dashboard import docs
from gateway.contracts.dashboard.answers import analytics as answers
from gateway.contracts.dashboard.base import DashboardView
from gateway.contracts.dashboard.periods import chosen_period


class OverviewView(DashboardView):
    @docs.call("get_overview", "Get the overview", "Overview", answers.OverviewBody)
    def get(self, request: Request) -> Response:
        """Days, weeks (from Monday) and months are UTC's. `revenue` is the volume less the platform's fees."""
        return self.one(answers.overview(self.viewer))


class AnalyticsView(DashboardView):
    limit_group = "analytics"

    @docs.call(
        "get_payment_analytics", "Get payment analytics", "Analytics", answers.AnalyticsBody,
        parameters=docs.PERIOD_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        """Sessions are counted by when they were opened, money by when it was credited. The time line has no holes."""
        period, group_by = chosen_period(self.query, self.viewer)
        return self.one(answers.analytics(analytics(self.viewer, period, group_by), period, group_by))
