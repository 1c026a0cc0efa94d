import * as aws from '@pulumi/aws'
import type { Settings } from './settings.ts'
import { productTags, tags } from './tags.ts'

/** Per cent of the budget that the month is expected to come to. */
const TOLD_AT_PERCENT = 80

/** Tells by mail when the month will cost more than was meant. AWS counts by tag once `product` is a cost allocation tag. */
export function makeBudget(settings: Settings): void {
  const { monthlyBudgetUsd, budgetEmail } = settings
  if (monthlyBudgetUsd === undefined || budgetEmail === undefined) return
  const { product } = productTags(settings)
  new aws.budgets.Budget('budget', {
    name: `${settings.name}-month`,
    budgetType: 'COST',
    timeUnit: 'MONTHLY',
    limitAmount: String(monthlyBudgetUsd),
    limitUnit: 'USD',
    costFilters: [{ name: 'TagKeyValue', values: [`user:product$${product}`] }],
    notifications: [
      {
        notificationType: 'FORECASTED',
        comparisonOperator: 'GREATER_THAN',
        threshold: TOLD_AT_PERCENT,
        thresholdType: 'PERCENTAGE',
        subscriberEmailAddresses: [budgetEmail],
      },
    ],
    tags: tags(settings, 'budget'),
  })
}
