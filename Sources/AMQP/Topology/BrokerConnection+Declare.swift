internal import CRabbitMQ

/// Declarations. Each waits for the broker's reply and returns the reason if it failed.
extension BrokerConnection {
    /// A passive declaration only checks that the exchange exists.
    func declare(
        _ exchange: ExchangeDeclaration, passively: Bool = false
    ) -> RequestFailure? {
        amqp_exchange_declare(
            state, Self.channel, writer.text(exchange.name), writer.text(exchange.type),
            passively ? 1 : 0, exchange.durable ? 1 : 0, 0, 0, amqp_empty_table)
        return takeFailure()
    }

    /// A passive declaration only checks that the queue exists.
    func declare(_ queue: QueueDeclaration, passively: Bool = false) -> RequestFailure? {
        amqp_queue_declare(
            state, Self.channel, writer.text(queue.name), passively ? 1 : 0, queue.durable ? 1 : 0,
            0, 0, passively ? amqp_empty_table : writer.table(queue.arguments))
        return takeFailure()
    }

    func bind(_ binding: BindingDeclaration) -> RequestFailure? {
        let (source, key) = (writer.text(binding.exchange), writer.text(binding.routingKey))
        let arguments = writer.table(binding.arguments)
        switch binding.destination {
        case .queue(let queue): amqp_queue_bind(state, Self.channel, writer.text(queue), source, key, arguments)
        case .exchange(let exchange):
            amqp_exchange_bind(state, Self.channel, writer.text(exchange), source, key, arguments)
        }
        return takeFailure()
    }

    /// Opens the channel again after the broker closed it because of a failed declaration.
    func reopenChannel() throws(AMQPError) {
        answerClose(ofChannel: true)
        try openChannel()
    }
}
