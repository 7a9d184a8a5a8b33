"""Code on the Install page: the snippet, and examples that sign the identity of a logged-in user."""

from __future__ import annotations

SNIPPET = """\
<script>
  window.saysoSettings = {{}};
</script>
<script src="{url}/widget.js" async></script>"""

SIGNED_SNIPPET = """\
<script>
  window.saysoSettings = { user_jwt: "…" };
</script>"""

NODE = """\
// npm install jsonwebtoken
const jwt = require("jsonwebtoken");

const token = jwt.sign(
  { user_id: user.id, name: user.name, email: user.email },
  process.env.SAYSO_IDENTITY_SECRET,
  { algorithm: "HS256", expiresIn: "2h" },
);"""

PYTHON = """\
# pip install pyjwt
import os, time
import jwt

token = jwt.encode(
    {"user_id": user.id, "name": user.name, "email": user.email, "exp": int(time.time()) + 7200},
    os.environ["SAYSO_IDENTITY_SECRET"],
    algorithm="HS256",
)"""

RUBY = """\
# gem install jwt
require "jwt"

payload = { user_id: user.id, name: user.name, email: user.email, exp: Time.now.to_i + 7200 }
token = JWT.encode(payload, ENV.fetch("SAYSO_IDENTITY_SECRET"), "HS256")"""

PHP = """\
// composer require firebase/php-jwt
use Firebase\\JWT\\JWT;

$payload = ["user_id" => $user->id, "name" => $user->name, "email" => $user->email, "exp" => time() + 7200];
$token = JWT::encode($payload, getenv("SAYSO_IDENTITY_SECRET"), "HS256");"""

EXAMPLES = (("Node.js", "node", NODE), ("Python", "python", PYTHON), ("Ruby", "ruby", RUBY), ("PHP", "php", PHP))
"""Name, id and code."""
