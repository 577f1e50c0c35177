import { ListGroups } from '../../protocol/apis/list-groups.ts'
import { handler } from './handler.ts'

/** Lists groups that this broker coordinates. Source: KafkaApis.handleListGroupsRequest. */
export const listGroups = handler(ListGroups, (request, { services, slices }) => services.groups.list(request, slices))
