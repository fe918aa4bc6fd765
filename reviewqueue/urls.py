"""The pages of people's side."""

from django.urls import path

from reviewqueue.views import account, desk, desk_settings, drafts, guidelines, inbox, keys, numbers, past, people

urlpatterns = [
    # The inbox and the desk.
    path("", inbox.index, name="inbox"),
    path("queues/<slug:slug>/", desk.show, name="desk"),
    path("queues/<slug:slug>/waiting/", desk.queues, name="desk-queues"),
    path("queues/<slug:slug>/guidelines/", guidelines.show, name="guidelines"),
    path("queues/<slug:slug>/guidelines/reading/", guidelines.reading, name="guidelines-reading"),
    path("queues/<slug:slug>/claims/<str:claim_id>/verdict/", desk.verdict, name="desk-verdict"),
    path("queues/<slug:slug>/claims/<str:claim_id>/first-answer/", desk.first_answer, name="desk-first-answer"),
    path("queues/<slug:slug>/claims/<str:claim_id>/renewal/", desk.renewal, name="desk-renewal"),
    path("queues/<slug:slug>/claims/<str:claim_id>/pass/", desk.passing, name="desk-pass"),
    path("queues/<slug:slug>/claims/<str:claim_id>/retake/", desk.retake, name="desk-retake"),
    path("queues/<slug:slug>/claims/<str:claim_id>/draft/", drafts.save, name="desk-draft"),
    path("queues/<slug:slug>/claims/<str:claim_id>/release/", desk.release, name="desk-release"),
    path("queues/<slug:slug>/verdicts/", past.decisions, name="desk-decisions"),
    path("queues/<slug:slug>/verdicts/<int:verdict_id>/", past.decision, name="desk-decision"),
    path("queues/<slug:slug>/verdicts/<int:verdict_id>/undo/", desk.undo, name="desk-undo"),
    # One's own account.
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("account/", account.account, name="account"),
    path("account/numbers/", numbers.show, name="numbers"),
    path("account/password/", account.password, name="password"),
    path("account/desk/", desk_settings.show, name="desk-settings"),
    path("account/desk/switch/", desk_settings.switch, name="desk-switch"),
    # People and their rights.
    path("people/", people.index, name="people"),
    path("people/new/", people.new, name="person-new"),
    path("people/of/<str:username>/", people.person, name="person"),
    path("people/of/<str:username>/rights/", people.rights, name="person-rights"),
    path("people/of/<str:username>/deactivation/", people.deactivation, name="person-deactivation"),
    path("people/of/<str:username>/reactivation/", people.reactivation, name="person-reactivation"),
    path("people/of/<str:username>/password/", people.password_reset, name="person-password"),
    # API keys.
    path("keys/", keys.index, name="keys"),
    path("keys/new/", keys.new, name="key-new"),
    path("keys/<int:key_id>/rotation/", keys.rotation, name="key-rotation"),
    path("keys/<int:key_id>/revocation/", keys.revocation, name="key-revocation"),
]
