"""Publishes a bulletin and prints its receipts: python3 publish.py announcement.json

KENTONGAN_AMQP_URL says where: amqps://USER:PASSWORD@HOST/VHOST
"""
import json
import os
import sys
import uuid

import pika

with open(sys.argv[1], "rb") as file:
    body = file.read()
bulletin = json.loads(body)
kind = "emergency" if bulletin.get("urgency") == "emergency" else bulletin["kind"]

parameters = pika.URLParameters(os.environ["KENTONGAN_AMQP_URL"])
connection = pika.BlockingConnection(parameters)
channel = connection.channel()
channel.confirm_delivery()
replies = channel.queue_declare("", exclusive=True).method.queue

# Returns once the broker has the message; raises if it takes it not, or has no queue for it.
channel.basic_publish(
    exchange="kentongan.intake",
    routing_key=f"{kind}.{bulletin['publisher']}",
    body=body,
    mandatory=True,
    properties=pika.BasicProperties(
        content_type="application/json",
        delivery_mode=2,
        user_id=parameters.credentials.username,
        reply_to=replies,
        correlation_id=str(uuid.uuid4()),
    ),
)

refused = False
for method, properties, receipt in channel.consume(replies, auto_ack=True, inactivity_timeout=30):
    if method is None:
        sys.exit("no receipt in 30 seconds; the message is on the queue")
    event = properties.type.split(".")[3]
    print(event, json.dumps(json.loads(receipt)["data"], ensure_ascii=False))
    refused = refused or event == "rejected"
    # After these nothing more comes soon.
    if event in ("completed", "duplicate", "rejected", "held", "scheduled"):
        break
connection.close()
sys.exit(2 if refused else 0)
