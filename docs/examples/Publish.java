// Publishes a bulletin and prints its receipts. With Debian's librabbitmq-client-java and a JDK:
//
//   java -cp '/usr/share/java/amqp-client.jar:/usr/share/java/slf4j-api.jar' Publish.java \
//       announcement.json announcement.desa.35.07.26.2003
//
// KENTONGAN_AMQP_URL says where: amqps://USER:PASSWORD@HOST/VHOST

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public class Publish {
    // After these nothing more comes soon.
    private static final Set<String> LAST = Set.of("completed", "duplicate", "rejected", "held", "scheduled");

    public static void main(String[] arguments) throws Exception {
        byte[] body = Files.readAllBytes(Path.of(arguments[0]));
        // Without a JSON library, the key is given: announcement.desa.35.07.26.2003
        String key = arguments[1];

        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(System.getenv("KENTONGAN_AMQP_URL"));
        boolean refused = false;
        try (Connection connection = factory.newConnection()) {
            Channel channel = connection.createChannel();
            channel.confirmSelect();
            channel.addReturnListener((code, text, exchange, routingKey, properties, returned) -> {
                System.err.println("no queue takes the message: " + code + " " + text);
                System.exit(1);
            });
            String replies = channel.queueDeclare().getQueue();
            BlockingQueue<String[]> receipts = new LinkedBlockingQueue<>();
            channel.basicConsume(replies, true, new DefaultConsumer(channel) {
                @Override
                public void handleDelivery(
                        String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] receipt) {
                    String event = properties.getType().split("\\.")[3];
                    receipts.add(new String[] {event, new String(receipt, StandardCharsets.UTF_8)});
                }
            });

            AMQP.BasicProperties properties = new AMQP.BasicProperties.Builder()
                .contentType("application/json")
                .deliveryMode(2)
                .userId(factory.getUsername())
                .replyTo(replies)
                .correlationId(UUID.randomUUID().toString())
                .build();
            channel.basicPublish("kentongan.intake", key, true, properties, body);
            // Returns once the broker has the message; throws if it takes it not.
            channel.waitForConfirmsOrDie(30_000);

            String event = "";
            while (!LAST.contains(event)) {
                String[] receipt = receipts.poll(30, TimeUnit.SECONDS);
                if (receipt == null) {
                    System.err.println("no receipt in 30 seconds; the message is on the queue");
                    System.exit(1);
                }
                event = receipt[0];
                refused = refused || event.equals("rejected");
                System.out.println(event + " " + receipt[1]);
            }
        }
        System.exit(refused ? 2 : 0);
    }
}
