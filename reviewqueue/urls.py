"""The pages of the review side."""

from django.urls import path

from reviewqueue.views import (
    account,
    desk,
    desk_settings,
    drafts,
    guidelines,
    inbox,
    keys,
    past_decisions,
    people,
    personal_report,
    setup,
)

urlpatterns = [
    # The inbox and the desk.
    path("", inbox.show_inbox, name="inbox"),
    path("queues/<slug:slug>/", desk.show_desk, name="desk"),
    path("queues/<slug:slug>/waiting/", desk.list_queues, name="desk-queues"),
    path("queues/<slug:slug>/guidelines/", guidelines.show_guidelines, name="guidelines"),
    path("queues/<slug:slug>/guidelines/reading/", guidelines.mark_guidelines_read, name="guidelines-reading"),
    path("queues/<slug:slug>/claims/<str:claim_id>/verdict/", desk.submit_verdict, name="desk-verdict"),
    path("queues/<slug:slug>/claims/<str:claim_id>/first-answer/", desk.submit_first_answer, name="desk-first-answer"),
    path("queues/<slug:slug>/claims/<str:claim_id>/state/", desk.watch_item, name="desk-watch"),
    path("queues/<slug:slug>/claims/<str:claim_id>/renewal/", desk.post_renewal, name="desk-renewal"),
    path("queues/<slug:slug>/claims/<str:claim_id>/pass/", desk.post_pass, name="desk-pass"),
    path("queues/<slug:slug>/claims/<str:claim_id>/retake/", desk.reclaim_item, name="desk-retake"),
    path("queues/<slug:slug>/claims/<str:claim_id>/draft/", drafts.save_draft, name="desk-draft"),
    path("queues/<slug:slug>/claims/<str:claim_id>/release/", desk.post_release, name="desk-release"),
    path("queues/<slug:slug>/verdicts/", past_decisions.list_decisions, name="desk-decisions"),
    path("queues/<slug:slug>/verdicts/<int:verdict_id>/", past_decisions.show_decision, name="desk-decision"),
    path("queues/<slug:slug>/verdicts/<int:verdict_id>/undo/", desk.undo_verdict, name="desk-undo"),
    # The first administrator.
    path("setup/", setup.set_up, name="setup"),
    # One's own account.
    path("sign-in/", account.sign_in, name="sign-in"),
    path("sign-out/", account.sign_out, name="sign-out"),
    path("account/", account.show_account, name="account"),
    path("account/numbers/", personal_report.show_numbers, name="numbers"),
    path("account/password/", account.change_password, name="password"),
    path("account/desk/", desk_settings.edit_desk_settings, name="desk-settings"),
    path("account/desk/switch/", desk_settings.set_desk_switch, name="desk-switch"),
    # People and their rights.
    path("people/", people.list_people, name="people"),
    path("people/new/", people.create_person, name="person-new"),
    path("people/of/<str:username>/", people.show_person, name="person"),
    path("people/of/<str:username>/rights/", people.change_rights, name="person-rights"),
    path("people/of/<str:username>/deactivation/", people.deactivate_person, name="person-deactivation"),
    path("people/of/<str:username>/reactivation/", people.reactivate_person, name="person-reactivation"),
    path("people/of/<str:username>/password/", people.reset_password, name="person-password"),
    # API keys.
    path("keys/", keys.list_keys, name="keys"),
    path("keys/new/", keys.create_key, name="key-new"),
    path("keys/<int:key_id>/rotation/", keys.rotate_key, name="key-rotation"),
    path("keys/<int:key_id>/revocation/", keys.revoke_key, name="key-revocation"),
]
