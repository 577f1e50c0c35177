import { realLog, simulatedLog } from '../log-manager.fixture.ts'
import { describePartitionLog } from '../partition-log.conformance.ts'

describePartitionLog('log in simulated files', simulatedLog)
describePartitionLog('log in real files', realLog)
