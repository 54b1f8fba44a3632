<?php
// Publishes a bulletin and prints its receipts: php publish.php announcement.json
//
// Needs the extension amqp (Debian: php-amqp). KENTONGAN_AMQP_URL says where: amqp://USER:PASSWORD@HOST/VHOST
$body = file_get_contents($argv[1]);
$bulletin = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
$kind = ($bulletin['urgency'] ?? '') === 'emergency' ? 'emergency' : $bulletin['kind'];

$url = parse_url(getenv('KENTONGAN_AMQP_URL'));
$user = rawurldecode($url['user']);
$connection = new AMQPConnection([
    'host' => $url['host'],
    'port' => $url['port'] ?? 5672,
    'vhost' => rawurldecode(substr($url['path'] ?? '/%2F', 1)),
    'login' => $user,
    'password' => rawurldecode($url['pass']),
    'read_timeout' => 30,
]);
$connection->connect();
$channel = new AMQPChannel($connection);

$replies = new AMQPQueue($channel);
$replies->setFlags(AMQP_EXCLUSIVE);
$replies->declareQueue();

// Waits until the broker has the message; throws if it takes it not, or has no queue for it.
$channel->confirmSelect();
$channel->setConfirmCallback(
    fn () => false,
    fn () => throw new RuntimeException('the broker refused the message'),
);
$channel->setReturnCallback(
    fn ($code, $text) => throw new RuntimeException("no queue takes the message: $code $text"),
);
$intake = new AMQPExchange($channel);
$intake->setName('kentongan.intake');
$intake->publish($body, "$kind.{$bulletin['publisher']}", AMQP_MANDATORY, [
    'content_type' => 'application/json',
    'delivery_mode' => 2,
    'user_id' => $user,
    'reply_to' => $replies->getName(),
    'correlation_id' => bin2hex(random_bytes(16)),
]);
$channel->waitForConfirm(30);

$refused = false;
$replies->consume(function (AMQPEnvelope $receipt) use (&$refused): bool {
    $event = explode('.', $receipt->getType())[3];
    $data = json_decode($receipt->getBody(), true)['data'];
    echo $event, ' ', json_encode($data, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES), "\n";
    $refused = $refused || $event === 'rejected';
    // After these nothing more comes soon.
    return !in_array($event, ['completed', 'duplicate', 'rejected', 'held', 'scheduled'], true);
}, AMQP_AUTOACK);
exit($refused ? 2 : 0);
