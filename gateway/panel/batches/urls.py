"""The addresses of this area; the panel's own list takes them in."""

from django.urls import path

from gateway.panel.batches import formats, lists, results, steps

urlpatterns = [
    path("batches", lists.batches, name="batches"),
    path("batches/new", lists.new, name="batch-new"),
    path("batches/formats", formats.formats, name="bank-formats"),
    path("batches/formats/new", formats.new, name="bank-format-new"),
    path("batches/formats/<str:public_id>", formats.edit, name="bank-format"),
    path("batches/formats/<str:public_id>/retire", formats.retire, name="bank-format-retire"),
    path("batches/results/<str:public_id>", results.result, name="batch-result"),
    path("batches/results/<str:public_id>/apply", results.apply, name="batch-result-apply"),
    path("batches/results/<str:public_id>/discard", results.discard, name="batch-result-discard"),
    path("batches/<str:public_id>", lists.batch, name="batch"),
    path("batches/<str:public_id>/export/<str:file_type>", steps.export, name="batch-export"),
    path("batches/<str:public_id>/files/<int:number>", steps.download, name="batch-file"),
    path("batches/<str:public_id>/lines/<int:number>/take-out", steps.remove, name="batch-take-out"),
    path("batches/<str:public_id>/sent", steps.sent, name="batch-sent"),
    path("batches/<str:public_id>/cancel", steps.cancel, name="batch-cancel"),
    path("batches/<str:public_id>/result", results.upload, name="batch-result-upload"),
]
