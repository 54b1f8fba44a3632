-- A refusal's receipt goes to the publishers of the AMQP user that sent the message.
CREATE INDEX publishers_user ON publishers (amqp_user);
