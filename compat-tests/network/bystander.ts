import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { Inbox, KafkaJsApplication } from '../clients/kafkajs/kafkajs-application.ts'
import { RawClient } from '../raw-client.ts'
import type { TestBroker } from '../test-broker.ts'
import { within } from '../wait-for.ts'

/** Body of an ApiVersions request of version 0. */
export const NOTHING_SAID = { clientSoftwareName: '', clientSoftwareVersion: '' }

const TOPIC = 'bystander'

/** Uninvolved clients that must not notice the others: a producer, a consumer, a connection. */
export class Bystander {
  readonly #application: KafkaJsApplication
  readonly #raw: RawClient
  readonly #send: (value: string) => Promise<unknown>
  readonly #inbox: Inbox
  #sent = 0
  #disconnects = 0

  private constructor(
    application: KafkaJsApplication,
    raw: RawClient,
    send: (v: string) => Promise<unknown>,
    inbox: Inbox,
  ) {
    this.#application = application
    this.#raw = raw
    this.#send = send
    this.#inbox = inbox
    raw.socket.once('close', () => {
      this.#disconnects++
    })
  }

  static async start(broker: TestBroker): Promise<Bystander> {
    const application = new KafkaJsApplication(broker.bootstrap)
    const admin = await application.admin()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] })
    const producer = await application.producer()
    const inbox = await Inbox.of(await application.consumer(), TOPIC)
    const send = (value: string) => producer.send({ topic: TOPIC, messages: [{ value }] })
    return new Bystander(application, await RawClient.connect(broker.port), send, inbox)
  }

  apiVersions() {
    return within('ApiVersions is answered', this.#raw.send(ApiVersions, 0, NOTHING_SAID))
  }

  /**
   * Expects that its connection still works, that what it writes now is read, and that no record was lost or
   * duplicated.
   */
  async expectUndisturbed(): Promise<void> {
    await this.#send(String(this.#sent++))
    await this.#inbox.atLeast(this.#sent)
    expect(this.#inbox.values).to.deep.equal(Array.from({ length: this.#sent }, (_, index) => String(index)))
    await this.apiVersions()
    expect(this.#disconnects).to.equal(0)
  }

  async stop(): Promise<void> {
    this.#raw.close()
    await this.#application.close()
  }
}
