#!/bin/sh
# Publishes a bulletin with amqp-publish (Debian: amqp-tools): ./publish-amqp-tools.sh announcement.json KEY
#
# amqp-publish sets no user_id, so this is for trying out, with a worker that has publishers.auth: open. It does not
# wait for the broker's confirm either.
set -eu
amqp-publish --url="$KENTONGAN_AMQP_URL" --exchange=kentongan.intake --routing-key="$2" \
    --content-type=application/json --persistent <"$1"
