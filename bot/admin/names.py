"""What the console calls channels, outcomes, steps and acts; `t` has their English."""

from __future__ import annotations

CHANNELS = {"kakao": "카카오톡", "whatsapp": "왓츠앱", "phone": "전화", "call": "영상 통화"}
OUTCOMES = {
    "answered": "답함",
    "clarified": "되물음",
    "refused": "답하지 않음",
    "handed_over": "사람에게 연결",
    "not_heard": "못 들음",
    "failed": "실패",
    "human": "사람이 답함",
    "with_human": "사람에게 전함",
    "summary": "영상 상담 정리",
}
FLAGS = {"emergency": "긴급", "failed": "실패", "unheard": "못 들음", "slow": "느림"}
RATINGS = {"good": "도움이 됐어요", "bad": "도움이 안 됐어요"}
STEPS = {
    "fetch": "가져오기",
    "listen": "듣기",
    "hear": "듣기",
    "think": "답 찾기",
    "write": "글 보내기",
    "voice": "목소리",
    "forget": "사본 지우기",
    "render": "영상",
    "deliver": "보내기",
}
SENDINGS = {
    "pending": "대기",
    "sending": "보내는 중",
    "sent": "보냄",
    "delivered": "도착",
    "failed": "실패",
}
CONSENTS = {"agreed": "녹음에 동의함", "refused": "녹음을 거절함"}
UNHEARD = {"silence": "소리 없음", "noise": "잡음", "unclear": "알아듣기 어려움"}
REASONS = {
    "emergency": "긴급",
    "failed": "실패",
    "refused": "답하지 않음",
    "not_heard": "못 들음",
    "low_score": "점수 낮음",
    "bad_rating": "도움이 안 됐어요",
    "asked_again": "다시 물음",
}
RESULTS = {
    "given_back": "AI 상담사에게 돌려줌",
    "called": "통화함",
    "dismissed": "할 일 없음",
}
VERDICTS = {
    "right": "맞아요",
    "wrong": "틀려요",
    "should_refuse": "답하지 말았어야 해요",
    "unclear": "판단하기 어려워요",
}
ACTIONS = {
    "account_added": "계정 만듦",
    "account_disabled": "계정 막음",
    "account_reset": "계정 새로 함",
    "article_drafted": "안내문 초안 저장",
    "article_measured": "안내문 전후 견줌",
    "article_published": "안내문 펴냄",
    "article_review_set": "다시 볼 날 정함",
    "article_withdrawn": "안내문 쓰지 않음",
    "assigned": "질문 맡김",
    "conversation_viewed": "상담 봄",
    "dashboard_viewed": "한눈에 보기 봄",
    "denied": "권한 없어 막힘",
    "exported": "파일로 받음",
    "handover_closed": "사람 연결 마침",
    "handover_said": "사람이 글 보냄",
    "handover_taken": "사람이 맡음",
    "handover_viewed": "사람 연결 봄",
    "handovers_viewed": "사람 연결 목록 봄",
    "list_viewed": "목록 봄",
    "login": "들어옴",
    "login_failed": "들어오지 못함",
    "logout": "나감",
    "password_changed": "비밀번호 바꿈",
    "played": "재생함",
    "question_viewed": "질문 봄",
    "queue_viewed": "살펴볼 질문 봄",
    "remarked": "말 남김",
    "report_made": "달 보고 만듦",
    "resolved": "질문 마침",
    "reviewed": "답 살펴봄",
    "searched": "찾음",
    "trail_viewed": "열람 기록 봄",
    "tried": "물어봄",
    "unmasked": "연락처 모두 봄",
    "word_added": "낱말 넣음",
    "word_removed": "낱말 지움",
    "wording_added": "묻는 말 넣음",
}
"""What the trail's words mean."""
