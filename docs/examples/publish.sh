#!/bin/sh
# Publishes a bulletin and prints its receipts: ./publish.sh announcement.json
#
# KENTONGAN_AMQP_URL says where: amqps://USER:PASSWORD@HOST/VHOST
set -eu
exec kentongan publish "$1" --wait
