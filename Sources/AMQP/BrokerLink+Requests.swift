internal import CRabbitMQ
internal import Glibc

/// Requests that wait for their answer. They belong before the first delivery or publish: while
/// one waits, the library puts other frames aside.
extension BrokerLink {
    func consume(_ consumer: ConsumerSettings) throws(AMQPError) {
        amqp_basic_qos(state, Self.channel, 0, consumer.prefetch, 0)
        if let refusal = takeRefusal() { throw refusal.error }
        amqp_basic_consume(
            state, Self.channel, writer.text(consumer.queue), amqp_empty_bytes, 0, 0, 0,
            amqp_empty_table)
        guard let refusal = takeRefusal() else { return }
        throw refusal.isNotFound ? .queueMissing(consumer.queue) : refusal.error
    }

    func selectConfirms() throws(AMQPError) {
        amqp_confirm_select(state, Self.channel)
        if let refusal = takeRefusal() { throw refusal.error }
    }

    func declare(
        _ exchange: ExchangeDeclaration, passively: Bool = false
    ) -> Refusal? {
        amqp_exchange_declare(
            state, Self.channel, writer.text(exchange.name), writer.text(exchange.type),
            passively ? 1 : 0, exchange.durable ? 1 : 0, 0, 0, amqp_empty_table)
        return takeRefusal()
    }

    func declare(_ queue: QueueDeclaration, passively: Bool = false) -> Refusal? {
        amqp_queue_declare(
            state, Self.channel, writer.text(queue.name), passively ? 1 : 0, queue.durable ? 1 : 0,
            0, 0, passively ? amqp_empty_table : writer.table(queue.arguments))
        return takeRefusal()
    }

    func bind(_ binding: BindingDeclaration) -> Refusal? {
        let (source, key) = (writer.text(binding.exchange), writer.text(binding.routingKey))
        let arguments = writer.table(binding.arguments)
        switch binding.destination {
        case .queue(let queue): amqp_queue_bind(state, Self.channel, writer.text(queue), source, key, arguments)
        case .exchange(let exchange):
            amqp_exchange_bind(state, Self.channel, writer.text(exchange), source, key, arguments)
        }
        return takeRefusal()
    }

    /// Why the request just made did not succeed; nil if it did.
    func takeRefusal() -> Refusal? {
        writer.recycle()
        return Refusal(amqp_get_rpc_reply(state))
    }
}
