"""WeChat: login, messages, face, pushes (the client), and the stand-in that plays it. Speaks WeChat's words inside only."""
