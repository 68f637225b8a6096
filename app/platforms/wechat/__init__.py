"""WeChat: login, messages, face, pushes, and the stand-in that plays it. Speaks WeChat's words inside only."""
